"""Table 4 at the paper's scale (section 4.5): seven heads of different sizes, on the words of all data sets of Table 1.

``python -m raygroup.sweep table4 --words data/words`` trains stage 1 first, for the trunk. Heads start at random, because the universal
head fits only one of the sizes. The paper says neither how heads start nor for how many iterations they train.

Hypothesis: larger heads get the tasks with more characters. The paper has one run, whose rank correlation is 0.74.
"""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.paper import TABLE_1_RATIOS, TABLE_4
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table4",
    after=load("stage1_paper"),
    trial=Trial(
        words=Words(source="the eight data sets of Table 1", max_characters=31, mixture=TABLE_1_RATIOS),
        heads=Heads(
            count=7, embed=tuple(head.embed for head in TABLE_4), hidden=tuple(head.hidden for head in TABLE_4), start="independent"
        ),
        training=Training(steps=40_000, batch=256, learning_rate=1e-4, assignment_learning_rate=1e-2),
    ),
    seeds=(0, 1, 2),
)
