"""A part of ``oracle_planted``: the heads of single tasks, pairs, and all tasks, which are 29 of 127 groups.

Hypothesis: a ridge fit to these heads predicts the others well enough, so that ``choose`` finds the plan for a quarter of the cost.
"""

from raygroup.config import Grouping, Heads, Loss, Training, Trial, Words
from raygroup.search_space import Sweep, load
from raygroup.task_groups import small_group_banks

BANKS = small_group_banks(("zh-1", "zh-2", "ko-1", "ko-2", "hi-1", "hi-2", "la"))
TWINS = {"tasks": ("zh", "ko", "hi", "la"), "parts": (2, 2, 2, 1), "characters": (160, 80, 40, 52)}
sweep = Sweep(
    name="oracle_planted_pairs",
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
