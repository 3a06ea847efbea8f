"""quickstart with three seeds: which differences exceed the noise of one run?

Hypothesis (from a toy with 80 seeds): single runs vary widely, and means over seeds differ little.
The paper's 1, 3, 5, 2, 2 changes come from one run each, so they lie within seed noise.
"""

from raygroup.config import Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="quickstart_seeds",
    trial=Trial(heads=Heads(count=5), training=Training(steps=600)),
    seeds=(0, 1, 2),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
)
