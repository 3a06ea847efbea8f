"""Table 3 at laptop scale: does epsilon change how languages are grouped?

Five heads learn seven tasks from real words, rendered with real fonts. The heads start from the
universal weights, which already read these words. So it hardly matters here which languages share a
head: table3_laptop has heads so small that sharing matters.

Hypothesis (paper 4.4): the assignment changes most at a middle base coefficient epsilon. With
epsilon 0, a head never learns the tasks that it does not have, so the assignment hardly changes.
With a large epsilon, all heads learn alike, so it hardly changes either.
"""

from raygroup.config import Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="quickstart",
    trial=Trial(heads=Heads(count=5), training=Training(steps=600)),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
)
