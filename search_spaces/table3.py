"""Table 3 at the paper's scale (section 4.4): changes of the assignment.

Five heads train for 3,000 iterations on MLT19's training words.

Hypothesis: 1, 3, 5, 2, 2 changes for epsilon 0, 0.1, 0.2, 0.3, 0.4. The paper has one run of each.
Three seeds tell noise from effect. Stage 2 reads MLT19 alone. Stage 1 drew from all of Table 1: set
words.mixture to paper.TABLE_1_RATIOS.
"""

from raygroup.config import Heads, Training, Trial, Weights, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="table3",
    trial=Trial(
        words=Words(source="MLT19", max_characters=31),
        weights=Weights(file="mlt19-stage1.safetensors"),
        heads=Heads(count=5, embed=200, hidden=256, word_dropout=0.0),
        training=Training(steps=3000, batch=256, learning_rate=1e-4, assignment_learning_rate=1e-2),
    ),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
    seeds=(0, 1, 2),
)
