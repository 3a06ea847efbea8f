"""Table 2 at laptop scale: do seeds agree on which tasks share a head?

Two to seven small heads, three seeds each, learn from rendered words. They start from a weak universal head, so they cannot read all
languages at once. ``quickstart`` has large heads that read everything, so sharing does not matter there.

Hypothesis: groupings scatter as much as random ones with as many groups. The noise of a seed decides more than recognition does.
"""

from raygroup.config import Grouping, Heads, Training, Trial, Words
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table2_laptop",
    after=load("stage1_small"),
    trial=Trial(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=300, unseen_per_task=200, renders=3),
        heads=Heads(embed=16, hidden=16),
        grouping=Grouping(base_coefficient=0.2, base_coefficient_changes=((0.5, 0.1),)),
        training=Training(steps=1200, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={"heads.count": (2, 3, 4, 5, 6, 7)},
    seeds=(0, 1, 2),
)
