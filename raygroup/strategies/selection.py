"""Choose a grouping from scores of several seeds without the winner's curse.

The best of many noisy scores looks better than it is. So noise is shrunk before the choice, and the choice is scored by seeds that had no
part in it.
"""

from dataclasses import dataclass

import numpy as np

from raygroup.errors import ConfigError
from raygroup.strategies.group_scores import Floats, GroupScores, group_sums, grouping_numbers, members
from raygroup.strategies.partition_search import Numbers, best_groupings, partition_sums
from raygroup.tables.stability.partitions import MOST_LISTED_TASKS, all_partitions, draw_partitions
from raygroup.task_groups import Groups

_DRAWS = 2_000
"""Groupings that are drawn if there are too many to list."""


@dataclass(frozen=True, kw_only=True)
class SeededScores:
    """The scores of groups by seed, all groups measured with each."""

    tasks: tuple[str, ...]
    values: Floats
    """(seeds, 2^t, t), higher is better. NaN for tasks outside the group."""

    def __post_init__(self) -> None:
        shape = (1 << len(self.tasks), len(self.tasks))
        if self.values.ndim != 3 or self.values.shape[1:] != shape or len(self.values) == 0:
            raise ConfigError(f"scores by seed have the shape {self.values.shape}: it must be (seeds, {shape[0]}, {shape[1]})")
        if not np.isfinite(self.sums).all():
            raise ConfigError("scores by seed lack a group of some seed: every seed must have measured all groups")

    @property
    def seeds(self) -> int:
        return len(self.values)

    @property
    def sums(self) -> Floats:
        """Return each group's sum over its tasks, (seeds, 2^t)."""
        return group_sums(self.values)

    def without(self, seed: int) -> "SeededScores":
        """Return the scores of the other seeds."""
        return SeededScores(tasks=self.tasks, values=np.delete(self.values, seed, axis=0))


@dataclass(frozen=True)
class HonestChoice:
    """The best grouping with one number of groups, and how good it is. Scores are sums over tasks."""

    groups: Groups
    """The choice by the shrunk scores of all seeds."""
    naive: float
    """The highest mean over seeds. It flatters."""
    by_seed: tuple[float, ...]
    """The score with each seed of the grouping that the other seeds choose."""
    choices: tuple[Groups, ...]
    """What the other seeds choose, for each seed."""

    @property
    def honest(self) -> float:
        """Return the mean of ``by_seed``: the score to report."""
        return float(np.mean(self.by_seed))

    @property
    def bias(self) -> float:
        """Return by how much the naive maximum flatters."""
        return self.naive - self.honest


def mean_scores(scores: SeededScores) -> GroupScores:
    """Return the mean over seeds."""
    return GroupScores(tasks=scores.tasks, values=scores.values.mean(axis=0))


def shrunk_scores(scores: SeededScores) -> GroupScores:
    """Return the mean over seeds, with each task's scores drawn towards their trend with the size of the group.

    A residual is multiplied by tau^2 / (tau^2 + s^2 / seeds): tau^2 is the variance of true residuals, s^2 that of one seed. A seed's
    common shift of a task is no noise here, because it moves all groupings alike. One seed cannot tell its noise, so its scores stay as
    they are.
    """
    values = np.full(scores.values.shape[1:], np.nan)
    inside = members(len(scores.tasks))
    sizes = inside.sum(axis=1)
    for place in range(len(scores.tasks)):
        groups = inside[:, place]
        values[groups, place] = _shrunk(scores.values[:, groups, place], sizes[groups])
    return GroupScores(tasks=scores.tasks, values=values)


def _shrunk(table: Floats, sizes: Numbers) -> Floats:
    """Shrink one task's scores, (seeds, n) -> (n,), towards a line over the sizes of groups."""
    seeds, num_groups = table.shape
    means = table.mean(axis=0)
    if seeds < 2 or num_groups < 3:
        return np.asarray(means)
    design = np.column_stack([np.ones(num_groups), sizes])
    trend = design @ np.linalg.lstsq(design, means, rcond=None)[0]
    noise = _interactions(table)
    variance = (noise**2).sum() / ((seeds - 1) * (num_groups - 1))
    total = ((means - trend) ** 2).sum() / (num_groups - 2)
    true = max(0.0, total - variance / seeds)
    return np.asarray(trend + (true / total if total > 0 else 0.0) * (means - trend))


def _interactions(table: Floats) -> Floats:
    """Return what is left of (seeds, n) without the means of rows and columns."""
    return np.asarray(table - table.mean(axis=0) - table.mean(axis=1, keepdims=True) + table.mean())


def honest_choices(scores: SeededScores) -> dict[int, HonestChoice]:
    """Return the choice for every number of groups. It needs two seeds or more."""
    _require_seeds(scores)
    sums = scores.sums
    naive = best_groupings(mean_scores(scores))
    chosen = best_groupings(shrunk_scores(scores))
    others = [best_groupings(shrunk_scores(scores.without(seed))) for seed in range(scores.seeds)]
    choices = {count: tuple(best[count][0].groups for best in others) for count in naive}
    return {
        count: HonestChoice(
            chosen[count][0].groups,
            naive[count][0].score,
            tuple(float(sums[seed, grouping_numbers(groups, scores.tasks)].sum()) for seed, groups in enumerate(choices[count])),
            choices[count],
        )
        for count in naive
    }


def honest_regrets(scores: SeededScores, choice: HonestChoice, groups: Groups) -> Floats:
    """Return with each seed how much a grouping loses against what the other seeds choose, (seeds,). It may be negative."""
    return np.asarray(np.array(choice.by_seed) - scores.sums[:, grouping_numbers(groups, scores.tasks)].sum(axis=1))


@dataclass(frozen=True)
class Reliability:
    """How far seeds agree on which groupings are good."""

    icc: float
    """Share of the variance between groupings that repeats with another seed. Below 0.3 one seed cannot tell groupings apart."""
    between: float
    """Standard deviation of the groupings' true scores, sums over tasks."""
    within: float
    """Standard deviation of one grouping's score over seeds, after each seed's mean."""
    seeds: int

    @property
    def of_mean(self) -> float:
        """Return the same share for the mean over these seeds (Spearman and Brown)."""
        return self.seeds * self.icc / (1 + (self.seeds - 1) * self.icc) if self.icc > 0 else 0.0


def reliability(scores: SeededScores, count: int) -> Reliability | None:
    """Return the intraclass correlation of groupings with so many groups over seeds (ICC(C,1) of McGraw and Wong, 1996).

    It is None if there is one such grouping only. A negative estimate is 0. More than eight tasks have 2,000 drawn groupings.
    """
    _require_seeds(scores)
    num_tasks = len(scores.tasks)
    listed = num_tasks <= MOST_LISTED_TASKS
    labels = all_partitions(num_tasks, count) if listed else draw_partitions(num_tasks, count, _DRAWS, "reliability")
    table = partition_sums(scores.sums, labels)
    seeds, num_groupings = table.shape
    if num_groupings < 2:
        return None
    between = seeds * float(table.mean(axis=0).var(ddof=1))
    within = float((_interactions(table) ** 2).sum()) / ((seeds - 1) * (num_groupings - 1))
    total = between + (seeds - 1) * within
    true = max(0.0, (between - within) / seeds)
    icc = max(0.0, (between - within) / total) if total > 0 else 0.0
    return Reliability(icc, true**0.5, within**0.5, seeds)


def _require_seeds(scores: SeededScores) -> None:
    if scores.seeds < 2:
        raise ConfigError("scores of 1 seed cannot choose and judge: train the groups with 2 seeds or more")
