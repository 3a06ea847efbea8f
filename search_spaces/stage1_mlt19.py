"""Stage 1 of Table 3 as a sweep: ``python -m raygroup.sweep stage1_mlt19 --words data/words``.

It is ``pretrain_mlt19`` with the histories, checkpoints and failures of a sweep. The head has the size of those in ``table3``. The trunk
is the laptop's, not the paper's.

Expected: a start for five heads that reads MLT19. Nobody has run it at this scale: the data sets are not part of raygroup.
"""

from raygroup.config import Heads, Pretraining, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="stage1_mlt19",
    trial=Pretraining(
        words=Words(source="MLT19", max_characters=31),
        steps=20_000,
        head_steps=10_000,
        batch=128,
        heads=Heads(count=1, start="independent", embed=200, hidden=256, word_dropout=0.0),
    ),
)
