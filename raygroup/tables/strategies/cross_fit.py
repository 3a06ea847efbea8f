"""Choose a grouping on some seeds and words, and score it on others.

A fold is one seed and one half of the words, which score. The other seeds on the other half choose. So each choice is scored by numbers
that had no part in it, and all words and seeds score once.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from raygroup.errors import ConfigError
from raygroup.strategies.distribution import ScoreDistribution, score_distributions
from raygroup.strategies.group_scores import GroupScores
from raygroup.strategies.partition_search import best_groupings, grouping_score
from raygroup.strategies.selection import SeededScores, mean_scores, shrunk_scores
from raygroup.tables.group_heads.cache_scores import HALVES, CacheScores
from raygroup.task_groups import Groups


@dataclass(frozen=True, eq=False)
class Fold:
    """One seed and one half of the words."""

    seed: int
    """The seed that scores."""
    choosing: GroupScores
    """Shrunk scores of the other seeds on the other half of the words."""
    scoring: GroupScores
    """The seed's scores on the half."""

    @cached_property
    def best(self) -> Mapping[int, Groups]:
        """The best grouping by ``choosing``, for each number of groups."""
        return {count: found[0].groups for count, found in best_groupings(self.choosing).items()}

    @cached_property
    def distributions(self) -> Mapping[int, ScoreDistribution]:
        """The scores of all groupings by ``scoring``."""
        return score_distributions(self.scoring)


@dataclass(frozen=True, eq=False)
class CrossFit:
    """All folds of a cache, and its scores as a whole."""

    chosen_by: SeededScores
    """The measure that chooses, such as the loss, on all words."""
    scored_by: SeededScores
    """The measure that is reported, on all words."""
    seeds: tuple[int, ...]
    folds: tuple[Fold, ...]

    @property
    def tasks(self) -> tuple[str, ...]:
        return self.scored_by.tasks

    @cached_property
    def scores(self) -> GroupScores:
        """The mean over seeds of the measure that is reported."""
        return mean_scores(self.scored_by)

    @cached_property
    def chosen_by_mean(self) -> GroupScores:
        """The mean over seeds of the measure that chooses."""
        return mean_scores(self.chosen_by)

    @cached_property
    def distributions(self) -> Mapping[int, ScoreDistribution]:
        """The mean scores over seeds of all groupings."""
        return score_distributions(self.scores)

    @cached_property
    def loss_distributions(self) -> Mapping[int, ScoreDistribution]:
        """The same by the measure that chooses."""
        return score_distributions(self.chosen_by_mean)

    def by_seed(self, choices: Iterable[Groups]) -> dict[int, float]:
        """Return for each seed the mean score of what was chosen for its folds: the mean over tasks. ``choices`` has one for each fold."""
        found: dict[int, list[float]] = {}
        for fold, choice in zip(self.folds, choices, strict=True):
            found.setdefault(fold.seed, []).append(grouping_score(fold.scoring, choice) / len(self.tasks))
        return {seed: float(np.mean(values)) for seed, values in found.items()}

    def by_seed_of(self, groups: Groups) -> dict[int, float]:
        """Return for each seed the mean score of one grouping."""
        return self.by_seed([groups] * len(self.folds))

    @cached_property
    def honest_best(self) -> Mapping[int, dict[int, float]]:
        """For each number of groups, the mean score with each seed of the groupings that its folds choose as the best."""
        return {count: self.by_seed(fold.best[count] for fold in self.folds) for count in self.folds[0].best}

    def percentile(self, choices: Sequence[Groups]) -> float:
        """Return the mean place of one choice for each fold among all groupings with as many groups, by the fold's own scores."""
        places = [
            fold.distributions[len(choice)].place(grouping_score(fold.scoring, choice)).percentile
            for fold, choice in zip(self.folds, choices, strict=True)
        ]
        return float(np.mean(places))


def cross_fit(chosen_by: CacheScores, scored_by: CacheScores) -> CrossFit:
    """Return the folds. Raises ConfigError if fewer than two seeds have a head for every group."""
    seeds = scored_by.complete_seeds
    if len(seeds) < 2:
        raise ConfigError(
            f"{len(seeds)} seeds have a head for every group: two or more are needed, because the seed that scores must not choose"
        )
    folds = []
    for half in HALVES:
        choosing, scoring = chosen_by.by_seed(1 - half), scored_by.by_seed(half)
        for place, seed in enumerate(seeds):
            table = GroupScores(tasks=scoring.tasks, values=scoring.values[place])
            folds.append(Fold(seed, shrunk_scores(choosing.without(place)), table))
    return CrossFit(chosen_by.by_seed(), scored_by.by_seed(), seeds, tuple(folds))
