"""Tasks whose gradients point the same way share a head."""

from raygroup.strategies.affinity import affinity_choice
from raygroup.strategies.strategy import Strategy

STRATEGY = Strategy(
    name="gradient-cosine", title="gradient cosine", needs=("cosines",), choose=affinity_choice("cosines"),
    source="the baseline CS of Fifty et al., NeurIPS 2021. It differs here: exact selection of a partition, and a task counts in its "
    "own group",
)  # fmt: skip
