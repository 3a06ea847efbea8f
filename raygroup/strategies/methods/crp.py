"""A Chinese restaurant process by loss: tasks sit down at the best table, and a new table has a price."""

from dataclasses import dataclass, field

import numpy as np

from raygroup.randomness import generator
from raygroup.strategies.evidence import Evidence
from raygroup.strategies.group_scores import Floats, GroupScores, grouping_of
from raygroup.strategies.strategy import Strategy
from raygroup.task_groups import Groups

_PRICES = 40
"""Prices that are tried, at most. Each halves the range of the price."""
_LEAST_GAIN = 1e-12
"""A task moves for more than the rounding of a sum."""


@dataclass
class _Tables:
    """The process at every price. A table is a group, as a number."""

    scores: GroupScores
    order: list[int]
    """The tasks in the order in which they are asked."""
    looked_at: set[int] = field(default_factory=set)
    """The groups whose heads had to be trained."""

    def __post_init__(self) -> None:
        self.sums: Floats = self.scores.sums

    def groups_at(self, price: float) -> list[int]:
        """Return the tables at which no task gains by moving. All tasks begin at one table."""
        tables = [(1 << len(self.scores.tasks)) - 1]
        for _ in range(1 << len(self.scores.tasks)):  # each change raises the score less the prices, so it ends long before
            before = list(tables)
            for task in self.order:
                tables = self._seated(tables, 1 << task, price)
            if tables == before:
                break
        return tables

    def merged(self, tables: list[int], num_groups: int) -> list[int]:
        """Return so many tables: the two whose guests lose least move together, until there are no more."""
        while len(tables) > num_groups:
            pairs = [(one, other) for place, one in enumerate(tables) for other in tables[place + 1 :]]
            one, other = max(pairs, key=lambda pair: self._score(pair[0] | pair[1]) - self._score(pair[0]) - self._score(pair[1]))
            tables = [*(table for table in tables if table not in (one, other)), one | other]
        return tables

    def _seated(self, tables: list[int], task: int, price: float) -> list[int]:
        """Return the tables after a task has moved to the one where the score, less the prices, rises most."""
        own = next(table for table in tables if table & task)
        others, left = [table for table in tables if table != own], own ^ task
        leaving = (self._score(left) if left else price) - self._score(own)
        gains = {table: leaving + self._score(table | task) - self._score(table) for table in others}
        if left:
            gains[0] = leaving + self._score(task) - price  # a table of its own
        chosen = max(gains, key=lambda table: gains[table], default=0)
        if not gains or gains[chosen] <= _LEAST_GAIN:
            return tables
        kept = [table for table in others if table != chosen]
        return sorted([*kept, *([left] if left else []), chosen | task])

    def _score(self, group: int) -> float:
        if group not in self.looked_at:
            self.scores.require_groups([group], "the Chinese restaurant process")
            self.looked_at.add(group)
        return float(self.sums[group])


def _search(evidence: Evidence, num_groups: int) -> tuple[Groups, set[int]]:
    """Return the grouping into so many groups, and all groups that the search looked at."""
    scores = evidence.require_scores()
    order = generator("restaurant", evidence.seed).permutation(len(scores.tasks)).tolist()
    tables = _Tables(scores, order)
    high = _largest_gain(scores.sums)
    low, best = -high, [1 << task for task in order]
    for _ in range(_PRICES):
        price = (low + high) / 2
        found = tables.groups_at(price)
        if num_groups <= len(found) < len(best):
            best = found
        if len(found) == num_groups:
            break
        low, high = (price, high) if len(found) > num_groups else (low, price)
    return grouping_of(tables.merged(best, num_groups), scores.tasks), tables.looked_at


def _largest_gain(sums: Floats) -> float:
    """Return a price that no further table is worth."""
    return 4 * float(np.abs(sums[np.isfinite(sums)]).max()) + 1


def _choose(evidence: Evidence, num_groups: int) -> Groups:
    return _search(evidence, num_groups)[0]


def _cost_s(evidence: Evidence, num_groups: int) -> float:
    return evidence.require_scores().cost_of(_search(evidence, num_groups)[1])


STRATEGY = Strategy(
    name="crp", title="restaurant process (CRP)", needs=("scores",), choose=_choose, cost=_cost_s,
    source="DP-means, the limit of a Chinese restaurant process: Kulis and Jordan, Revisiting k-means, ICML 2012. It differs here: a task "
    "is as far from a table as the scores of trained heads fall, the price is searched for the number of groups that is asked for, and if "
    "no price gives it, the tables that lose least merge",
)  # fmt: skip
