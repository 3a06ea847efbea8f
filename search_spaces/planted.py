"""Planted twins: three pairs of tasks share a script. Hypothesis: the plan, which keeps twins together, beats one head and one per task."""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.search_space import Sweep, load

TWINS = {"tasks": ("zh", "ko", "hi", "la"), "parts": (2, 2, 2, 1), "characters": (160, 80, 40, 52)}
sweep = Sweep(
    name="planted",
    after=load("stage1_planted"),
    trial=Trial(
        words=Words(**TWINS, words_per_task=200, unseen_per_task=200, renders=2),
        heads=Heads(embed=16, hidden=16),
        training=Training(steps=900, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={
        "heads.count,grouping.method,grouping.groups,grouping.base_coefficient,grouping.control": (
            *((count, "gumbel", (), 0.2, False) for count in range(1, 8)),
            (4, "gumbel", (), 0.2, True),
            (4, "explicit", (("zh-1", "zh-2"), ("ko-1", "ko-2"), ("hi-1", "hi-2"), ("la",)), 0.0, False),
            (7, "one-per-task", (), 0.0, False),
        )
    },
    seeds=(0, 1, 2),
)
