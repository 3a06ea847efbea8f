"""Stage 1 on words of one's own: ``python -m raygroup.pretrain --words PATH --from laptop``.

The counts are those of words rendered from ``--list``. Their seed differs from that of a sweep, so no image is drawn twice.

Expected: a script that the shipped trunk has never seen reads as well as the others, and the others lose little.
"""

from raygroup.config import Heads, Pretraining, Words

pretraining = Pretraining(
    words=Words(words_per_task=2000, unseen_per_task=200, renders=4, seed=1),
    steps=1700,
    head_steps=1000,
    learning_rate=1e-3,
    heads=Heads(count=1, start="independent"),
    draw="task",
    new_task_weight=2.0,
    rehearsal=1500,
)
