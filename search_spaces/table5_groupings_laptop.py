"""Stage 2 of Table 5 at laptop scale: one small head, two to seven grouped heads, and one head per task.

Heads of this size cannot read all seven languages, so more heads read more. Which languages share one hardly matters here.

Expected: one head reads least, and one head per task reads most.
"""

from raygroup.config import Grouping, Heads, Training, Trial, Words
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table5_groupings_laptop",
    after=load("stage1_reader"),
    trial=Trial(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=1000, unseen_per_task=200, renders=1),
        heads=Heads(embed=16, hidden=32),
        grouping=Grouping(base_coefficient=0.2, base_coefficient_changes=((0.5, 0.1),)),
        training=Training(steps=600, batch=16, learning_rate=5e-3, order="seed"),
    ),
    grid={"heads.count,grouping.method": (*((count, "gumbel") for count in range(1, 8)), (7, "one-per-task"))},
    seeds=(0, 1, 2),
)
