"""The grouping that a training chooses by the gradients of its first steps."""

from raygroup.strategies.learned_grouping import learned_strategy

STRATEGY = learned_strategy(
    "probe", "probe",
    "ours: all heads learn alike from all words at first, then the tasks with the highest mean cosines share a head. The cosines are the "
    "baseline CS of Fifty et al., NeurIPS 2021",
)  # fmt: skip
