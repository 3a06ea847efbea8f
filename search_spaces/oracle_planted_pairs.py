"""A part of ``oracle_planted``: the heads of single tasks, pairs, and all tasks, which are 29 of 127 groups.

Hypothesis: a ridge fit to these heads predicts the others well enough, so that ``choose`` finds the plan for a quarter of the cost.
"""

from raygroup.search_space import Sweep, load
from raygroup.task_groups import small_group_banks

WHOLE = load("oracle_planted")
BANKS = small_group_banks(("zh-1", "zh-2", "ko-1", "ko-2", "hi-1", "hi-2", "la"))
sweep = Sweep(
    name="oracle_planted_pairs",
    after=WHOLE.after,
    trial=WHOLE.trial,
    grid={"heads.count,grouping.groups": tuple((len(bank), bank) for bank in BANKS)},
    seeds=WHOLE.seeds,
)
