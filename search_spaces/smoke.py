"""The whole path in seconds: two seeds, a few steps, few words.

Hypothesis: none. The sweep shows that rendering, features, training, recording and reading work on
this machine.
"""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="smoke",
    trial=Trial(
        words=Words(words_per_task=30, unseen_per_task=6, renders=2),
        heads=Heads(count=3),
        training=Training(steps=30, batch=16, checkpoint_every=10),
    ),
    seeds=(0, 1),
)
