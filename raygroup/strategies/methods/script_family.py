"""Tasks of related scripts share a head."""

import numpy as np

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.scripts import distance
from raygroup.strategies.strategy import Strategy
from raygroup.tables.stability.consensus import consensus
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    distances = np.array([[distance(one, other) for other in evidence.tasks] for one in evidence.tasks])
    return consensus(1 - distances, evidence.tasks, num_groups)


STRATEGY = Strategy(
    name="script-family", title="script families", choose=_choose,
    source="by hand: average linkage of languages, scripts, shared letters and families of scripts",
)  # fmt: skip
