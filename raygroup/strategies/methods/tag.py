"""Task affinity groupings: tasks whose steps lower each other's losses share a head."""

from raygroup.strategies.affinity import affinity_choice
from raygroup.strategies.strategy import Strategy

STRATEGY = Strategy(
    name="tag", title="TAG", needs=("lookahead",), choose=affinity_choice("lookahead"),
    source="Fifty et al., Efficiently Identifying Task Groupings for Multi-Task Learning, NeurIPS 2021. It differs here: exact selection "
    "of a partition, where TAG selects groups that may overlap, and a task counts in its own group, where TAG gives a task alone -1e6",
)  # fmt: skip
