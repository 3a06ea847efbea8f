"""Stage 1 at the operating point where the number of heads matters: a weak universal head of 16 states on the shipped frozen trunk.

Seven languages, 300 words each. Heads of this size cannot read all of them at once, so stage 2 has something to decide.

Expected: after 1,200 steps 1-NED is about 0.46 on new images and 0.37 on unseen words.
"""

from raygroup.config import Heads, Pretraining, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="stage1_small",
    trial=Pretraining(
        words=Words(characters=(40, 40, 160, 40, 100, 80, 52), words_per_task=300, renders=3, max_characters=8),
        start="laptop",
        steps=0,
        head_steps=1200,
        batch=48,
        head_learning_rate=1.2e-2,
        heads=Heads(count=1, start="independent", embed=16, hidden=16),
    ),
)
