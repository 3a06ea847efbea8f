"""Differentiable multi-task grouping, with the settings of its released code."""

from raygroup.strategies.learned_grouping import learned_strategy

STRATEGY = learned_strategy(
    "dmtg", "DMTG",
    "Gao et al., DMTG: One-Shot Differentiable Multi-Task Grouping, ICML 2024, as released: temperature 2.5 or 4, no epsilon, no grouping "
    "loss. It differs here: R_TM has a learning rate of its own, and branches are heads on a frozen trunk",
)  # fmt: skip
