"""The best grouping of all, from the scores of every group."""

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.partition_search import best_groupings
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    scores = evidence.require_scores()
    scores.require_groups(_all_groups(evidence), "the oracle")
    return best_groupings(scores)[num_groups][0].groups


def _all_groups(evidence: Evidence) -> range:
    return range(1, 1 << len(evidence.tasks))


def _cost_s(evidence: Evidence, num_groups: int) -> float:
    return evidence.require_scores().cost_of(_all_groups(evidence))


STRATEGY = Strategy(
    name="oracle", title="oracle", needs=("scores",), choose=_choose, cost=_cost_s,
    source="Standley et al., ICML 2020, over partitions. Give it shrunk scores of seeds that do not score the choice (``selection.py``)",
)  # fmt: skip
