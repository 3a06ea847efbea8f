"""Five grouped heads that read the words of a spotter: ``python -m raygroup.sweep spotter_heads --words DATA/words --weights FILE``.

The weights come from ``raygroup.pretrain pretrain_spotter_reader``. The learned grouping is compared at two base coefficients.

Expected: five heads read unseen words of rendered scenes at least as well as the universal head that they start from.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="spotter_heads",
    trial=Trial(heads=Heads(count=5), grouping=Grouping(base_coefficient=0.2), training=Training(steps=800)),
    grid={"grouping.base_coefficient": (0.1, 0.2)},
)
