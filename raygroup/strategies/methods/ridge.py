"""A surrogate from few trained groups chooses."""

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.local_search import search_grouping
from raygroup.strategies.pairwise_scores import pairwise_ridge
from raygroup.strategies.partition_search import best_groupings
from raygroup.strategies.strategy import Strategy
from raygroup.strategies.surrogate import fill_scores
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    if evidence.measured is not None:
        return search_grouping(pairwise_ridge(evidence.measured), num_groups).groups
    return best_groupings(fill_scores(evidence.require_scores()).scores)[num_groups][0].groups


def _cost_s(evidence: Evidence, num_groups: int) -> float:
    if evidence.measured is not None:
        return evidence.measured.cost_s
    scores = evidence.require_scores()
    return scores.cost_of(scores.measured)


STRATEGY = Strategy(
    name="ridge", title="ridge surrogate", needs=("scores",), choose=_choose, cost=_cost_s,
    source="Li et al., Identification of Negative Transfers in Multitask Learning Using Surrogate Models, TMLR 2023. It differs here: a "
    "ridge fit to each task's membership and 1 / size, with exact selection",
)  # fmt: skip
