"""Stage 1 of planted twins: a weak universal head of 16 states on the shipped frozen trunk.

Expected: after 1,200 steps it reads about half of new images by 1-NED, and less of unseen words. From nothing, heads of this size hardly
learn to read within so few steps.
"""

from raygroup.config import Heads, Pretraining, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="stage1_planted",
    trial=Pretraining(
        words=Words(tasks=("zh", "ko", "hi", "la"), parts=(2, 2, 2, 1), characters=(160, 80, 40, 52), words_per_task=200, renders=2),
        start="laptop",
        steps=0,
        head_steps=1200,
        batch=48,
        head_learning_rate=1.2e-2,
        heads=Heads(count=1, start="independent", embed=16, hidden=16),
    ),
)
