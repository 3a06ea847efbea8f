"""Yardstick: one head per task, fixed from the start (the paper's multiplexed baseline), trained as long as a grouped trial.

Hypothesis: with as many heads as tasks there is nothing to share; a grouping with fewer heads should come close.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="one_per_task",
    trial=Trial(heads=Heads(count=7), grouping=Grouping(method="one-per-task", base_coefficient=0.0), training=Training(steps=600)),
)
