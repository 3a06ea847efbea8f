"""Baseline: one head for all tasks.

This is the paper's single-head baseline, trained for as many steps as a grouped trial.

Hypothesis: this is the least accuracy that a grouping should reach, because five heads have five
times the weights.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="one_head",
    trial=Trial(heads=Heads(count=1), grouping=Grouping(base_coefficient=0.0), training=Training(steps=600)),
)
