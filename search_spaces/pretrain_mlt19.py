"""Stage 1 of Table 3 at the paper's scale.

Run ``python -m raygroup.pretrain pretrain_mlt19 --words data/words --out mlt19-stage1.safetensors``.

The head has the size of those in ``table3``, which start as copies of it. The trunk is the laptop's, not the paper's.

Expected: a start for five heads that reads MLT19. Nobody has run it at this scale: the data sets are not part of raygroup.
"""

from raygroup.config import Heads, Pretraining, Words

pretraining = Pretraining(
    words=Words(source="MLT19", max_characters=31),
    steps=20_000,
    head_steps=10_000,
    batch=128,
    heads=Heads(count=1, start="independent", embed=200, hidden=256, word_dropout=0.0),
)
