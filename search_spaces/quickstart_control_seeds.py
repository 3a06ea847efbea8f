"""The control of quickstart_seeds, with the same three seeds.

Recognition losses are averaged over heads.

Hypothesis: for each seed, the grouping is the same at every epsilon. It differs from
quickstart_seeds if recognition had an effect there.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="quickstart_control_seeds",
    trial=Trial(heads=Heads(count=5), grouping=Grouping(control=True), training=Training(steps=600)),
    seeds=(0, 1, 2),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
)
