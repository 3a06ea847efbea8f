"""Table 5 at the paper's scale: stage 3 of one head, of two to seven grouped heads, and of one head per task.

``python -m raygroup.sweep table5 --words data/words`` trains all three stages. Each head goes on with the words of its group alone.

Hypothesis: five grouped heads read best, better than one head and than one head per task. The paper has one run of each.
"""

from raygroup.config import Finetuning, Training
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table5",
    after=load("table5_groupings"),
    trial=Finetuning(training=Training(steps=10_000, batch=256, learning_rate=1e-4)),
)
