"""Tasks whose gradients point the same way share a head."""

import numpy as np

from raygroup.strategies.affinity import best_by_affinity
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    assert evidence.cosines is not None
    return best_by_affinity(np.asarray(evidence.cosines), evidence.tasks, num_groups)


STRATEGY = Strategy(
    name="gradient-cosine", title="gradient cosine", needs=("cosines",), choose=_choose,
    source="the baseline CS of Fifty et al., NeurIPS 2021. It differs here: exact selection of a partition, and a task counts in its "
    "own group",
)  # fmt: skip
