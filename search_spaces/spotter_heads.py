"""Five grouped heads that read the words of a spotter: ``python -m raygroup.sweep spotter_heads --words DATA/words --weights FILE``.

The weights come from ``raygroup.pretrain pretrain_spotter_reader``. Words that ``raygroup.data render-words`` drew may lie beside those
of scenes: heads that see both read more.

Expected: five heads read unseen words of rendered scenes at least as well as the universal head that they start from.
"""

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.search_space import Sweep

sweep = Sweep(
    name="spotter_heads",
    trial=Trial(heads=Heads(count=5), grouping=Grouping(base_coefficient=0.1), training=Training(steps=2400, learning_rate=7e-4)),
)
