"""Four languages on three small heads, before a fifth one comes (language_later). Its stage 1 knows these four alone.

Expected: 1-NED near that of stage2_small, about 0.5.
"""

from raygroup.config import Grouping, Heads, Pretraining, Training, Trial, Words
from raygroup.search_space import Sweep

WORDS = Words(tasks=("zh", "hi", "ko", "la"), characters=(160, 40, 80, 52), words_per_task=300, unseen_per_task=200, renders=3)
STAGE_1 = Pretraining(
    words=WORDS, start="laptop", steps=0, head_steps=1200, batch=48, head_learning_rate=1.2e-2,
    heads=Heads(count=1, start="independent", embed=16, hidden=16),
)  # fmt: skip
sweep = Sweep(
    name="language_before",
    after=Sweep(name="language_before_stage1", trial=STAGE_1),
    trial=Trial(
        words=WORDS,
        heads=Heads(count=3, embed=16, hidden=16),
        grouping=Grouping(method="explicit", groups=(("zh",), ("hi", "ko"), ("la",)), base_coefficient=0.0),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    seeds=(0, 1, 2),
)
