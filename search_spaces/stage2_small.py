"""Stage 2 at the operating point of stage1_small: one head, two to seven grouped heads, and one head per task, with six seeds.

Heads of 16 states cannot read all seven languages, so more heads read more. Which languages share one hardly matters here.

Expected: one head reads least and one head per task most, by about 0.05 of 1-NED.
"""

from raygroup.config import Grouping, Heads, Training, Trial, Words
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="stage2_small",
    after=load("stage1_small"),
    trial=Trial(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=300, unseen_per_task=200, renders=3),
        heads=Heads(embed=16, hidden=16),
        grouping=Grouping(base_coefficient=0.2, base_coefficient_changes=((0.5, 0.1),)),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={"heads.count,grouping.method": (*((count, "gumbel") for count in range(1, 8)), (7, "one-per-task"))},
    seeds=(0, 1, 2, 3, 4, 5),
)
