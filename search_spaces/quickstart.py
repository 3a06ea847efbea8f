"""Table 3 at laptop scale: does the base coefficient epsilon change how languages are grouped?

Hypothesis (paper 4.4): with epsilon 0 a head never learns the tasks it was not given, so the assignment hardly changes; with a large
epsilon all heads learn alike, and it hardly changes either; between, it changes most. Five heads, seven tasks, real words rendered
with real fonts, heads copied from universal weights.
"""

from raygroup.config import Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="quickstart",
    trial=Trial(heads=Heads(count=5), training=Training(steps=600)),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
)
