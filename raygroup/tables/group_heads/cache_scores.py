"""A group cache as the tables of scores that strategies read."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError, first_names
from raygroup.strategies.group_scores import GroupScores, group_tasks
from raygroup.strategies.resampling import WordScores
from raygroup.strategies.selection import SeededScores
from raygroup.tables.group_heads.group_cache import GroupCache
from raygroup.task_groups import group_text

HALVES = (0, 1)
"""The test words of each task and split, dealt out in turn. One half can choose a grouping that the other half scores."""
_LOWER_IS_BETTER = {"nll"}
_MOST_NAMED = 3


@dataclass(frozen=True, eq=False)
class CacheScores:
    """One measure of every group head, task by task. Higher is better: a loss has a minus sign.

    A task's score is the mean over its splits, such as new images and unseen words, of the mean over their words.
    """

    tasks: tuple[str, ...]
    seeds: tuple[int, ...]
    values: NDArray[np.float64]
    """(halves, seeds, 2^t, t): the scores on each half of the words. NaN without a head."""
    words: dict[tuple[str, str], int]
    """(task, split) -> number of test words."""

    @property
    def complete_seeds(self) -> tuple[int, ...]:
        """The seeds that have a head for every group."""
        return tuple(seed for seed, place in zip(self.seeds, range(len(self.seeds)), strict=True) if not self._missing(place))

    def by_seed(self, half: int | None = None) -> SeededScores:
        """Return the scores of all complete seeds, on one half of the words or on all.

        Raises ConfigError with the missing groups if no seed is complete.
        """
        kept = [self.seeds.index(seed) for seed in self.complete_seeds]
        if not kept:
            missing = self._missing(0)
            names = first_names([group_text(group_tasks(group, self.tasks)) for group in missing], _MOST_NAMED)
            raise ConfigError(
                f"no seed has a head for every group; seed {self.seeds[0]} lacks {len(missing)} of {(1 << len(self.tasks)) - 1}: {names}"
            )
        values = self.values.mean(axis=0) if half is None else self.values[half]
        return SeededScores(tasks=self.tasks, values=values[kept])

    def partial(self) -> GroupScores:
        """Return the mean over the seeds that have a group's head. NaN for a group without any."""
        values = self.values.mean(axis=0)
        counts = np.isfinite(values).sum(axis=0)
        sums = np.where(np.isfinite(values), values, 0.0).sum(axis=0)
        return GroupScores(tasks=self.tasks, values=np.where(counts > 0, sums / np.maximum(counts, 1), np.nan))

    def _missing(self, place: int) -> list[int]:
        """Return the groups without a head of a seed."""
        groups = range(1, self.values.shape[2])
        values = self.values[0, place]
        return [group for group in groups if not np.isfinite(values[group]).any()]


def cache_scores(cache: GroupCache, measure: str, splits: Sequence[str] | None = None) -> CacheScores:
    """Return ``accuracy``, ``one_minus_ned`` or ``nll`` of a cache as scores of groups. ``splits`` are those that count, None for all.

    Raises ConfigError for another measure, and if a task has fewer than two test words.
    """
    tasks, seeds = cache.tasks, cache.seeds
    groups = [group_text(group_tasks(group, tasks)) for group in range(1, 1 << len(tasks))]
    splits = splits or cache.words["split"].unique().to_pylist()
    sign = -1.0 if measure in _LOWER_IS_BETTER else 1.0
    values = np.full((len(HALVES), len(seeds), 1 << len(tasks), len(tasks)), np.nan)
    counts: dict[tuple[str, str], int] = {}
    for place, task in enumerate(tasks):
        inside = [number for number in range(1, 1 << len(tasks)) if number >> place & 1]
        of_splits = []
        for split in splits:
            table = cache.word_values(task, split, measure, [groups[number - 1] for number in inside], seeds)
            counts[task, split] = table.shape[2]
            if np.isfinite(table).any():
                of_splits.append(_half_means(table))
        if of_splits:
            _require_words(task, (counts.get((task, split), 0) for split in splits))
            values[:, :, inside, place] = sign * np.mean(of_splits, axis=0).transpose(0, 2, 1)
    return CacheScores(tasks, seeds, values, counts)


def word_scores(cache: GroupCache, measure: str) -> WordScores:
    """Return one measure of every test word under every group head, with its complete seeds, for resampling. Higher is better.

    Words that no head can write are left out. Raises ConfigError if no seed has a head for every group.
    """
    tasks = cache.tasks
    groups = [group_text(group_tasks(group, tasks)) for group in range(1, 1 << len(tasks))]
    seeds = [seed for seed in cache.seeds if not cache.missing[seed]]
    if not seeds:
        raise ConfigError("no seed has a head for every group, so its words cannot be resampled")
    sign = -1.0 if measure in _LOWER_IS_BETTER else 1.0
    columns, places = [], []
    for place, task in enumerate(tasks):
        inside = np.array([number for number in range(1, 1 << len(tasks)) if number >> place & 1])
        for split in cache.words["split"].unique().to_pylist():
            table = cache.word_values(task, split, measure, [groups[number - 1] for number in inside], seeds)
            known = table[:, :, np.isfinite(table).all(axis=(0, 1))]
            values = np.full((len(seeds), 1 << len(tasks), known.shape[2]), np.nan)
            values[:, inside] = sign * known.transpose(1, 0, 2)
            columns.append(values)
            places += [place] * known.shape[2]
    return WordScores(tasks=tasks, task_of_word=np.array(places, np.int64), values=np.concatenate(columns, axis=2))


def _half_means(table: NDArray[np.float64]) -> list[NDArray[np.float64]]:
    """Return the means over each half of the words, (groups, seeds). A half that no head can write counts as the other one."""
    whole = _means(table)
    halves = [_means(table[:, :, half::2]) for half in HALVES]
    return [np.where(np.isfinite(half), half, whole) for half in halves]


def _means(table: NDArray[np.float64]) -> NDArray[np.float64]:
    """Return means over words, (groups, seeds). Words that no head can write do not count."""
    known = np.isfinite(table)
    counts = known.sum(axis=2)
    return np.where(counts > 0, np.where(known, table, 0.0).sum(axis=2) / np.maximum(counts, 1), np.nan)


def _require_words(task: str, counts: Iterable[int]) -> None:
    fewest = min((count for count in counts if count), default=0)
    if fewest < len(HALVES):
        raise ConfigError(f"the number of test words of task '{task}' is {fewest}: it must be at least {len(HALVES)} in each split")
