"""Planted twins: seven tasks of which three pairs share a script, and heads too small for all of them.

Hypothesis: zh-1+zh-2 | hi-1+hi-2 | ko-1+ko-2 | la is the best grouping on four heads. Few heads that keep
twins together beat one head and one head per task. The Gumbel-Softmax assignment rarely finds them.
"""

from raygroup.config import Heads, Training, Trial, Weights, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="planted",
    trial=Trial(
        words=Words(
            tasks=("zh", "ko", "hi", "la"),
            parts=(2, 2, 2, 1),
            characters=(160, 80, 40, 52),
            words_per_task=150,
            unseen_per_task=200,
            renders=3,
        ),
        weights=Weights(file="planted-universal.safetensors"),
        heads=Heads(count=4, embed=16, hidden=16),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={"heads.count": (2, 3, 4, 5)},
    seeds=(0, 1),
)
