"""Stage 1 as in section 4.2: words of eight data sets, drawn by the ratios of Table 1, for 40,000 iterations.

``python -m raygroup.sweep stage1_paper --words data/words``. The trunk is the laptop's, not the paper's: it learns for 30,000
iterations with the head, which then goes on alone for 10,000. The paper does not say whether a ratio is that of a word or of a data set.

Expected: a universal head that reads all languages, best those of the data sets that are drawn most. Nobody has run it at this scale:
the data sets are not part of raygroup.
"""

from raygroup.config import Heads, Pretraining, Words
from raygroup.paper import TABLE_1_RATIOS
from raygroup.search_space import Sweep

sweep = Sweep(
    name="stage1_paper",
    trial=Pretraining(
        words=Words(source="the eight data sets of Table 1", max_characters=31, mixture=TABLE_1_RATIOS),
        steps=30_000,
        head_steps=10_000,
        batch=128,
        heads=Heads(count=1, start="independent", embed=200, hidden=256, word_dropout=0.0),
    ),
)
