"""Ways to learn the grouping of planted twins, 20 seeds each. None of them is a seed of the oracle, which scores the groupings.

Hypothesis: none closes half of the gap between a random grouping and the oracle's, because R_TM asks which head reads a task best now,
not what sharing does. DMTG is as released (Gao et al., ICML 2024): temperature 2.5, epsilon 0, no Eq. (9). docs/strategies.md says more.
"""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.search_space import Sweep, load

TWINS = {"tasks": ("zh", "ko", "hi", "la"), "parts": (2, 2, 2, 1), "characters": (160, 80, 40, 52)}
FIELDS = "grouping.temperature,grouping.base_coefficient,grouping.assignment,grouping.penalty_while_idle,loss.grouping"
METHODS = (
    ("gumbel", 1.0, 0.2, "gradient", False, 1.0),
    ("dmtg", 2.5, 0.0, "gradient", False, 0.0),
    ("loss", 1.0, 0.2, "loss", False, 0.0),
    ("idle", 1.0, 0.2, "gradient", True, 1.0),
)
sweep = Sweep(
    name="learned_groupings",
    after=load("stage1_planted"),
    trial=Trial(
        words=Words(**TWINS, words_per_task=150, unseen_per_task=200, renders=3),
        heads=Heads(embed=16, hidden=16),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={"heads.count": (2, 3, 4, 5), f"method:{FIELDS}": METHODS},
    seeds=tuple(range(100, 120)),
)
