"""The control of quickstart: every head gets the mean loss over heads.

So only noise and Eq. (9) move R_TM.

Hypothesis: groupings still form, because Gumbel noise and the grouping loss alone decide something.
The difference to quickstart is the effect of recognition. Rows of P_WM sum to 1, so epsilon cannot
change a trajectory here: equal seeds give equal groupings.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="quickstart_control",
    trial=Trial(heads=Heads(count=5), grouping=Grouping(control=True), training=Training(steps=600)),
    grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)},
)
