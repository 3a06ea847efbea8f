"""Table 3 at laptop scale, where sharing matters: five small heads that cannot read all languages at once.

``quickstart`` has the same trials with large heads, which read everything whoever shares them.

Hypothesis (paper 4.4): the assignment changes most at a middle base coefficient epsilon. Three seeds show whether that is more than noise.
"""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table3_laptop",
    after=load("stage1_small"),
    trial=Trial(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=300, unseen_per_task=200, renders=3),
        heads=Heads(count=5, embed=16, hidden=16),
        training=Training(steps=1200, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
    seeds=(0, 1, 2),
)
