"""Table 4 at laptop scale: seven heads of different sizes, an eighth of the paper's.

All heads start at random, because the universal head fits only one of the sizes. Chinese has the most characters, then Japanese.

Hypothesis (paper 4.5): larger heads get the tasks with more characters. At this scale the noise of a seed may decide instead.
"""

from raygroup.config import Grouping, Heads, Training, Trial, Words
from raygroup.paper import TABLE_4
from raygroup.search_space import Sweep

sweep = Sweep(
    name="table4_laptop",
    trial=Trial(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=300, unseen_per_task=200, renders=3),
        heads=Heads(
            count=7,
            embed=tuple(head.embed // 8 for head in TABLE_4),
            hidden=tuple(head.hidden // 8 for head in TABLE_4),
            start="independent",
        ),
        grouping=Grouping(base_coefficient=0.2, base_coefficient_changes=((0.5, 0.1),)),
        training=Training(steps=2400, batch=32, learning_rate=7e-3, order="seed"),
    ),
    seeds=(0, 1, 2, 3, 4, 5),
)
