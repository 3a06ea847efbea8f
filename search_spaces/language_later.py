"""Japanese comes later: does it join a head of language_before, or get a head of its own?

The bank has the three old heads, which are kept as they are, each of them with Japanese, and a head of Japanese alone. They take as many
steps as the old heads took.

Hypothesis: a head of its own reads Japanese best, and of the old heads that of Chinese does, with which it shares characters.
"""

from raygroup.config import Grouping, Heads, Loss, Training, Trial, Words
from raygroup.search_space import Sweep, load

BEFORE = (("zh",), ("hi", "ko"), ("la",))
BANK = (*BEFORE, *((*group, "ja") for group in BEFORE), ("ja",))
sweep = Sweep(
    name="language_later",
    after=load("language_before"),
    trial=Trial(
        words=Words(
            tasks=("zh", "hi", "ko", "la", "ja"), characters=(160, 40, 80, 52, 100), words_per_task=300, unseen_per_task=200, renders=3
        ),
        heads=Heads(count=len(BANK), embed=16, hidden=16, start="trained"),
        grouping=Grouping(method="cover", groups=BANK, base_coefficient=0.0),
        loss=Loss(grouping=0.0, task=0.0),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    seeds=(0, 1, 2),
)
