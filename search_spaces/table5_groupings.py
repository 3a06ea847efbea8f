"""Stage 2 of Table 5 at the paper's scale: one head, two to seven grouped heads, and one head per task.

One head is the arrangement of Mask TextSpotter v3, one head per task that of the Multiplexed spotter. All train for 20,000 iterations on
MLT19's training words, after stage 1 on the words of Table 1.

Expected: grouped heads sharpen their assignment within the first half of the training.
"""

from raygroup.config import Grouping, Heads, Training, Trial, Words
from raygroup.paper import MLT19_ALONE
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table5_groupings",
    after=load("stage1_paper"),
    trial=Trial(
        words=Words(source="MLT19", max_characters=31, mixture=MLT19_ALONE),
        heads=Heads(embed=200, hidden=256, word_dropout=0.0),
        grouping=Grouping(base_coefficient=0.2, base_coefficient_changes=((0.5, 0.1),)),
        training=Training(steps=20_000, batch=256, learning_rate=1e-4, assignment_learning_rate=1e-2),
    ),
    grid={"heads.count,grouping.method": (*((count, "gumbel") for count in range(1, 8)), (7, "one-per-task"))},
    seeds=(0, 1, 2),
)
