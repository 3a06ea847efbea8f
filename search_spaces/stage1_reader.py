"""Stage 1 of the laptop twin of Table 5: a small universal head on the trunk of the shipped spotter, which knows words of scenes.

Expected: it reads about half of new images. Heads of 16 states read hardly any word of a scene to the end, and heads of 64 read nearly
all of these characters, so 32 states leave something to decide.
"""

from raygroup.config import Heads, Pretraining, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="stage1_reader",
    trial=Pretraining(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=1000, unseen_per_task=200, renders=1),
        start="spotter",
        steps=0,
        head_steps=1800,
        batch=48,
        head_learning_rate=1.2e-2,
        heads=Heads(count=1, start="independent", embed=16, hidden=32),
    ),
)
