"""quickstart with three seeds: which of its differences between values of epsilon are more than the noise of a single run?

Hypothesis (from a toy with 80 seeds): single runs range widely, so the paper's 1, 3, 5, 2, 2 changes from one run each lie within
seed noise; means over seeds differ little.
"""

from raygroup.config import Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="quickstart_seeds",
    trial=Trial(heads=Heads(count=5), training=Training(steps=600)),
    seeds=(0, 1, 2),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
)
