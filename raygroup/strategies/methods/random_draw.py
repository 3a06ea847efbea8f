"""A grouping drawn at random: the yardstick of every other strategy."""

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.strategy import Strategy
from raygroup.tables.stability.partitions import draw_partitions, groups_of
from raygroup.task_groups import Groups


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    return groups_of(draw_partitions(len(evidence.tasks), num_groups, 1, "strategy", evidence.seed)[0], evidence.tasks)


STRATEGY = Strategy(
    name="random", title="random", choose=_choose,
    source="Standley et al., Which Tasks Should Be Learned Together?, ICML 2020. It differs here: all partitions with so many groups are "
    "equally likely, and ``distribution.py`` gives their exact mean, spread and quantiles",
)  # fmt: skip
