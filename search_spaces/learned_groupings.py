"""Ways to learn the grouping of planted twins in one run, 20 seeds each. None is a seed of ``oracle_planted``, which scores the groupings.

Hypothesis: methods that ask which head reads a task best now close less than half of the gap between a random grouping and the oracle's.
The probe, which compares the gradients of tasks, closes most of it. ``dmtg`` is as released (Gao et al., ICML 2024).
"""

from raygroup.config import Heads, Training, Trial
from raygroup.search_space import Sweep, load

PLANTED = load("planted")
GROUPING = ("method", "probe", "temperature", "base_coefficient", "assignment", "loss_gain", "loss_decay", "penalty_while_idle")
FIELDS = ",".join([*(f"grouping.{name}" for name in GROUPING), "loss.grouping", "training.evidence_words"])
METHODS = (
    ("gumbel", "gumbel", 0.0, 1.0, 0.2, "gradient", 10.0, 0.95, False, 1.0, 0),
    ("dmtg", "gumbel", 0.0, 2.5, 0.0, "gradient", 10.0, 0.95, False, 0.0, 0),
    ("loss", "gumbel", 0.0, 1.0, 0.2, "loss", 30.0, 0.99, False, 0.0, 0),
    ("idle", "gumbel", 0.0, 1.0, 0.2, "gradient", 10.0, 0.95, True, 1.0, 0),
    ("probe", "probe", 1 / 6, 1.0, 0.0, "gradient", 10.0, 0.95, False, 1.0, 48),
)
sweep = Sweep(
    name="learned_groupings",
    after=PLANTED.after,
    trial=Trial(
        words=PLANTED.trial.words,
        heads=Heads(embed=16, hidden=16),
        training=Training(steps=600, batch=16, learning_rate=7e-3, order="seed"),
    ),
    grid={"heads.count": (3, 4), f"method:{FIELDS}": METHODS},
    seeds=tuple(range(100, 120)),
)
