"""Each task has a head of its own."""

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    return frozenset(frozenset({task}) for task in evidence.tasks)


STRATEGY = Strategy(
    name="one-per-task", title="one head per task", choose=_choose, fixed=True,
    source="Huang et al., A Multiplexed Network for End-to-End, Multilingual OCR, CVPR 2021",
)  # fmt: skip
