"""The exact oracle on the paper's seven languages: a group head for each of their 127 groups, in four banks
with a task classifier, whose mistakes ``choose`` counts.

With frozen features a head depends on its group alone, so the scores of these heads are those of all 877 groupings.

Expected: more heads read better, but which languages share a head hardly matters. By 1-NED, groupings on four heads cannot be told apart.
"""

from raygroup.config import Grouping, Heads, Loss, Training, Trial, Words
from raygroup.search_space import Sweep, load
from raygroup.task_groups import group_banks

BANKS = group_banks(("zh", "ja", "ko", "la", "ar", "bn", "hi"))
sweep = Sweep(
    name="oracle",
    after=load("stage1_small"),
    trial=Trial(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=300, unseen_per_task=200, renders=3),
        heads=Heads(embed=16, hidden=16),
        grouping=Grouping(method="cover", groups=BANKS[0], base_coefficient=0.0),
        loss=Loss(grouping=0.0),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={"heads.count,grouping.groups": tuple((len(bank), bank) for bank in BANKS)},
    seeds=(0, 1, 2),
)
