"""Table 5 at laptop scale: all three stages, for one small head, two to seven grouped heads, and one head per task.

Each head goes on with the words of its group alone, without the base coefficient that keeps idle heads alive in stage 2.

Hypothesis: a few grouped heads read better end to end than one head, and about as well as one head per task.
"""

from raygroup.config import Finetuning, Training
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table5_laptop",
    after=load("table5_groupings_laptop"),
    trial=Finetuning(training=Training(steps=600, batch=16, learning_rate=2.5e-3, order="seed")),
)
