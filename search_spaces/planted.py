"""Planted twins: seven tasks of which three pairs share a script, and heads too small for all of them.

Hypothesis: the plan, which keeps twins together, beats one head and one head per task. The Gumbel-Softmax rarely finds it.
"""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="planted",
    after=load("stage1_planted"),
    trial=Trial(
        words=Words(
            tasks=("zh", "ko", "hi", "la"),
            parts=(2, 2, 2, 1),
            characters=(160, 80, 40, 52),
            words_per_task=150,
            unseen_per_task=200,
            renders=3,
        ),  # fmt: skip
        heads=Heads(embed=16, hidden=16),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={
        "heads.count,grouping.method,grouping.groups,grouping.base_coefficient": (
            *((count, "gumbel", (), 0.2) for count in range(1, 8)),
            (4, "explicit", (("zh-1", "zh-2"), ("ko-1", "ko-2"), ("hi-1", "hi-2"), ("la",)), 0.0),
            (7, "one-per-task", (), 0.0),
        )
    },  # fmt: skip
    seeds=(0, 1, 2),
)
