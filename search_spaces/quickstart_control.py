"""The honest control of quickstart: every head is given the mean loss over heads, so that only noise and Eq. (9) move R_TM.

Hypothesis: groupings still form, since the grouping loss and Gumbel noise alone decide something; what quickstart shows beyond this
is what recognition contributes. Rows of P_WM sum to one, so epsilon cannot change a trajectory here: equal seeds, equal groupings.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="quickstart_control",
    trial=Trial(heads=Heads(count=5), grouping=Grouping(control=True), training=Training(steps=600)),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
)
