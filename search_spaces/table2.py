"""Table 2 at the paper's scale (section 4.3): which tasks end up on one head.

``python -m raygroup.sweep table2 --words data/words`` trains stage 1 on the words of Table 1 first. Then two to seven heads, three seeds
each, train for 20,000 iterations on MLT19's training words. With words of MLT19 alone, give stage-1 weights by ``--weights``.

Hypothesis: Chinese alone is the most frequent group (half of the runs), and Arabic with Korean the most frequent pair. With six or seven
heads some stay idle.
"""

from raygroup.config import Grouping, Heads, Training, Trial, Words
from raygroup.paper import MLT19_ALONE
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table2",
    after=load("stage1_paper"),
    trial=Trial(
        words=Words(source="MLT19", max_characters=31, mixture=MLT19_ALONE),
        heads=Heads(embed=200, hidden=256, word_dropout=0.0),
        grouping=Grouping(base_coefficient=0.2, base_coefficient_changes=((0.5, 0.1),)),
        training=Training(steps=20_000, batch=256, learning_rate=1e-4, assignment_learning_rate=1e-2),
    ),
    grid={"heads.count": (2, 3, 4, 5, 6, 7)},
    seeds=(0, 1, 2),
)
