"""Seven real languages and heads too small to read them all. Beside learned groupings: one head, one per task, and the control.

Expected: more heads read more, but which languages share one hardly matters, so learned groupings read no better than the control's. The
search space ``oracle`` has the same words and heads, and scores all groupings.
"""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="capacity",
    after=load("stage1_small"),
    trial=Trial(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=300, unseen_per_task=200, renders=3),
        heads=Heads(embed=16, hidden=16),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={
        "heads.count,grouping.method,grouping.control": (
            *((count, "gumbel", False) for count in range(1, 8)),
            *((count, "gumbel", True) for count in (3, 4, 5)),
            (7, "one-per-task", False),
        )
    },
    seeds=(0, 1, 2),
)
