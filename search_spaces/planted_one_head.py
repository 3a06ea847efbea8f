"""The yardstick of planted: one small head for all seven tasks.

Hypothesis: it reads worse than four heads that keep twins together, because its size is too small for all words.
"""

from raygroup.config import Heads, Training, Trial, Weights, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="planted_one_head",
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
        heads=Heads(count=1, embed=16, hidden=16),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    seeds=(0, 1),
)
