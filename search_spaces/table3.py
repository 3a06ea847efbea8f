"""Table 3 at the paper's scale (section 4.4): changes of the assignment.

``python -m raygroup.sweep table3 --words data/words`` trains stage 1 on the words of Table 1 first. Then five heads train for 3,000
iterations on MLT19's training words. With words of MLT19 alone, give stage-1 weights by ``--weights``.

Hypothesis: 1, 3, 5, 2, 2 changes for epsilon 0, 0.1, 0.2, 0.3, 0.4. The paper has one run of each. Three seeds tell noise from effect.
"""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.paper import MLT19_ALONE
from raygroup.search_space import Sweep, load

sweep = Sweep(
    name="table3",
    after=load("stage1_paper"),
    trial=Trial(
        words=Words(source="MLT19", max_characters=31, mixture=MLT19_ALONE),
        heads=Heads(count=5, embed=200, hidden=256, word_dropout=0.0),
        training=Training(steps=3000, batch=256, learning_rate=1e-4, assignment_learning_rate=1e-2),
    ),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
    seeds=(0, 1, 2),
)
