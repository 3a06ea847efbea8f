"""The scores of all groupings with as many groups: the exact null of a random grouping.

Nothing is drawn. The null is uniform over partitions, not over labels.
"""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raygroup.errors import ConfigError
from raygroup.strategies.group_scores import Floats, GroupScores
from raygroup.strategies.partition_search import groups_with_lowest

MOST_TASKS = 12
"""Most tasks whose groupings are all scored. Twelve tasks have 4.2 million groupings."""
_ROUNDING = 1e-9
"""Two scores that differ by less are equal."""


@dataclass(frozen=True)
class Place:
    """The place of a score among those of all groupings with as many groups."""

    rank: float
    """1 for the best. Equal scores share the mean of their ranks."""
    of: int
    """Number of groupings."""

    @property
    def percentile(self) -> float:
        """Return 100 for the best grouping, 0 for the worst, and 100 if there is only one."""
        return 100.0 if self.of == 1 else 100 * (self.of - self.rank) / (self.of - 1)

    @property
    def p(self) -> float:
        """Return the probability that a random grouping is as good or better, for a score without ties."""
        return self.rank / self.of


@dataclass(frozen=True)
class ScoreDistribution:
    """The scores of all groupings with one number of groups."""

    scores: Floats
    """In rising order."""

    @property
    def mean(self) -> float:
        return float(self.scores.mean())

    @property
    def sd(self) -> float:
        """Return the standard deviation over all groupings. They are no sample, so it divides by their number."""
        return float(self.scores.std())

    @cached_property
    def _slack(self) -> float:
        return _ROUNDING * max(1.0, float(np.abs(self.scores).max()))

    def quantile(self, share: float) -> float:
        """Return the score below which this share of groupings lies, from 0 (worst) to 1 (best)."""
        return float(np.quantile(self.scores, share))

    def place(self, score: float) -> Place:
        """Return the place of the score of one of these groupings."""
        lower = int(np.searchsorted(self.scores, score - self._slack, "left"))
        not_higher = int(np.searchsorted(self.scores, score + self._slack, "right"))
        higher, equal = len(self.scores) - not_higher, not_higher - lower
        return Place(higher + (max(equal, 1) + 1) / 2, len(self.scores))


def score_distributions(scores: GroupScores) -> dict[int, ScoreDistribution]:
    """Return the distribution for every number of groups. It needs the scores of all groups."""
    if len(scores.tasks) > MOST_TASKS:
        raise ConfigError(f"the groupings of {len(scores.tasks)} tasks are too many to score each: at most {MOST_TASKS} tasks")
    scores.require_groups(range(1, len(scores.values)), "the distribution of all groupings")
    return {count: ScoreDistribution(np.sort(values)) for count, values in _all_sums(scores.sums, len(scores.tasks)).items()}


def _all_sums(sums: Floats, num_tasks: int) -> dict[int, Floats]:
    """Return the scores of all groupings by number of groups.

    Those of a subset of tasks are those of each rest plus the score of the group with its lowest task.
    """
    by_subset: dict[int, dict[int, Floats]] = {0: {0: np.zeros(1)}}
    for tasks in [*range(2, 1 << num_tasks, 2), (1 << num_tasks) - 1]:
        parts: dict[int, list[Floats]] = {}
        for group in groups_with_lowest(tasks).tolist():
            for count, values in by_subset[tasks ^ group].items():
                parts.setdefault(count + 1, []).append(values + sums[group])
        by_subset[tasks] = {count: np.concatenate(values) for count, values in parts.items()}
    return dict(sorted(by_subset[(1 << num_tasks) - 1].items()))
