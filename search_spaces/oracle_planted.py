"""The exact oracle on planted twins: a group head for each of the 127 groups of the seven tasks, in four banks.

With frozen features a head depends on its group alone, so the scores of these heads are those of all 877 groupings.

Hypothesis: the plan, which keeps twins together, is within the first 1 % of the 350 groupings on four heads, in every seed.
"""

from raygroup.config import Grouping, Heads, Loss, Training, Trial, Words
from raygroup.search_space import Sweep, load
from raygroup.task_groups import group_banks

BANKS = group_banks(("zh-1", "zh-2", "ko-1", "ko-2", "hi-1", "hi-2", "la"))
TWINS = {"tasks": ("zh", "ko", "hi", "la"), "parts": (2, 2, 2, 1), "characters": (160, 80, 40, 52)}
sweep = Sweep(
    name="oracle_planted",
    after=load("stage1_planted"),
    trial=Trial(
        words=Words(**TWINS, words_per_task=200, unseen_per_task=200, renders=2),
        heads=Heads(embed=16, hidden=16),
        grouping=Grouping(method="cover", groups=BANKS[0], base_coefficient=0.0),
        loss=Loss(grouping=0.0, task=0.0),
        training=Training(steps=900, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={"heads.count,grouping.groups": tuple((len(bank), bank) for bank in BANKS)},
    seeds=(0, 1, 2),
)
