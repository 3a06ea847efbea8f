"""Higher-order approximation: larger groups are scored from pairs of tasks."""

import numpy as np

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.group_scores import GroupScores, members
from raygroup.strategies.local_search import search_grouping
from raygroup.strategies.pairwise_scores import pairwise_hoa
from raygroup.strategies.partition_search import best_groupings
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


def pair_scores(scores: GroupScores) -> GroupScores:
    """Return scores of all groups from those of single tasks and pairs.

    A task's score in a larger group is the mean of its scores in the pairs that it forms there.
    """
    num_tasks = len(scores.tasks)
    scores.require_groups(_labelled(num_tasks), "the higher-order approximation")
    table = np.array([[scores.values[1 << task | 1 << other, task] for task in range(num_tasks)] for other in range(num_tasks)])
    alone = np.diag(table)
    inside = members(num_tasks)
    others = inside.sum(axis=1, keepdims=True) - 1
    means = (inside @ table - alone) / np.maximum(others, 1)
    values = np.where(inside, np.where(others > 0, means, alone), np.nan)
    return GroupScores(tasks=scores.tasks, values=values, cost_s=scores.cost_s)


def _labelled(num_tasks: int) -> list[int]:
    return sorted({1 << one | 1 << other for one in range(num_tasks) for other in range(num_tasks)})


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    if evidence.measured is not None:
        return search_grouping(pairwise_hoa(evidence.measured), num_groups).groups
    return best_groupings(pair_scores(evidence.require_scores()))[num_groups][0].groups


def _cost_s(evidence: Evidence, num_groups: int) -> float:
    if evidence.measured is not None:
        return evidence.measured.cost_s
    return evidence.require_scores().cost_of(_labelled(len(evidence.tasks)))


STRATEGY = Strategy(
    name="hoa", title="pairs (HOA)", needs=("scores",), choose=_choose, cost=_cost_s,
    source="Standley et al., Which Tasks Should Be Learned Together in Multi-task Learning?, ICML 2020. It differs here: exact selection "
    "of a partition instead of branch and bound over groups that may overlap",
)  # fmt: skip
