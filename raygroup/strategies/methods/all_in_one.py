"""All tasks share one head."""

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    return frozenset({frozenset(evidence.tasks)})


STRATEGY = Strategy(
    name="all-in-one", title="one head for all", choose=_choose, fixed=True,
    source="the single-head baseline of the paper (Table 5), and of most multilingual readers",
)  # fmt: skip
