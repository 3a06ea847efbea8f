"""Baseline: one head per task, fixed from the start.

This is the paper's multiplexed baseline, trained for as many steps as a grouped trial.

Hypothesis: nothing is shared here, because there are as many heads as tasks. A grouping with fewer
heads should come close.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="one_per_task",
    trial=Trial(heads=Heads(count=7), grouping=Grouping(method="one-per-task", base_coefficient=0.0), training=Training(steps=600)),
)
