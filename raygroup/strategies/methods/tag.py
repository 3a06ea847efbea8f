"""Task affinity groupings: tasks whose steps lower each other's losses share a head."""

import numpy as np

from raygroup.strategies.affinity import best_by_affinity
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    assert evidence.lookahead is not None
    return best_by_affinity(np.asarray(evidence.lookahead), evidence.tasks, num_groups)


STRATEGY = Strategy(
    name="tag", title="TAG", needs=("lookahead",), choose=_choose,
    source="Fifty et al., Efficiently Identifying Task Groupings for Multi-Task Learning, NeurIPS 2021. It differs here: exact selection "
    "of a partition, where TAG selects groups that may overlap, and a task counts in its own group, where TAG gives a task alone -1e6",
)  # fmt: skip
