"""Table 2 at the paper's scale (section 4.3): which tasks end up on one head.

Two to seven heads, three seeds each, train for 20,000 iterations on MLT19's training words.

Hypothesis: Chinese alone is the most frequent group (half of the runs), and Arabic with Korean the
most frequent pair. With six or seven heads some stay idle. Stage 2 reads MLT19 alone. Stage 1 drew
from all of Table 1: set words.mixture to paper.TABLE_1_RATIOS.
"""

from raygroup.config import Heads, Training, Trial, Weights, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="table2",
    trial=Trial(
        words=Words(source="MLT19", max_characters=31),
        weights=Weights(file="mlt19-stage1.safetensors"),
        heads=Heads(embed=200, hidden=256, word_dropout=0.0),
        training=Training(steps=20_000, batch=256, learning_rate=1e-4, assignment_learning_rate=1e-2),
    ),
    grid={"heads.count": (2, 3, 4, 5, 6, 7)},
    seeds=(0, 1, 2),
)
