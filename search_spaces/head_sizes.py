"""Sizes of seven heads at laptop scale: how small may they be, and how well do they read then?

Table 4 of the paper gives seven heads seven sizes, chosen by hand. Here Optuna chooses them, by two
numbers: mean 1-NED on new renders, and parameters after pruning. The heads learn from nothing.

Hypothesis: heads of different sizes are on the front beside heads of one size, because the tasks
have from 16 to 40 characters. If they are not, one size for all heads is enough.
"""

from raygroup.config import Heads, Training, Trial, Words
from raygroup.paper import TABLE_4
from raygroup.searches.head_sizes import HeadSizes, SizeRange, SizeSearch

sweep = SizeSearch(
    name="head_sizes",
    trial=Trial(
        words=Words(characters=(16, 20, 40, 20, 30, 30, 26), words_per_task=60, unseen_per_task=20, renders=4, max_characters=6),
        heads=Heads(count=7, start="independent"),
        training=Training(steps=300, batch=24, learning_rate=1e-2),
    ),
    embed=SizeRange(low=8, high=48),
    hidden=SizeRange(low=8, high=64),
    points=(
        HeadSizes(embed=8, hidden=8), HeadSizes(embed=16, hidden=24), HeadSizes(embed=48, hidden=64),
        HeadSizes(embed=tuple(8 * (row.embed // 50) for row in TABLE_4), hidden=tuple(row.hidden // 4 for row in TABLE_4)),
    ),
    seeds=(0, 1), confirm_seeds=(10, 11, 12),
)  # fmt: skip
