"""Table 2 at laptop scale: do seeds agree on which tasks share a head?

Two to seven heads, three seeds each, learn from rendered words and start from the universal weights.

Hypothesis: groupings scatter as much as random ones with as many groups. At this scale the heads
already read the words, so the noise of a seed decides more than recognition does.
"""

from raygroup.config import Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="table2_laptop",
    trial=Trial(training=Training(steps=1200)),
    grid={"heads.count": (2, 3, 4, 5, 6, 7)},
    seeds=(0, 1, 2),
)
