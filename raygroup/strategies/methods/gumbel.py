"""The grouping that the network of the paper learns in training."""

from raygroup.strategies.learned_grouping import learned_strategy

STRATEGY = learned_strategy(
    "gumbel", "Gumbel (paper)",
    "the paper, Eq. (2) to (9): Gumbel-Softmax with temperature 1, epsilon 0.2 and the grouping loss. It takes a training for each number "
    "of heads",
)  # fmt: skip
