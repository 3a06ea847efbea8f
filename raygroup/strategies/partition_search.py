"""Find the best groupings for every number of groups at once.

A grouping's score is the sum of its groups' scores. ``best[k][S]`` is the best score of the tasks S in k groups: the best, over the groups
G in S that hold the lowest task of S, of ``score[G] + best[k-1][S without G]``. Each G and S is looked at once, (3^t - 1)/2 pairs.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.strategies.group_scores import Floats, GroupScores, grouping_numbers, grouping_of
from raygroup.task_groups import Groups

Numbers = NDArray[np.int64]


@dataclass(frozen=True)
class ScoredGrouping:
    """A grouping and its score."""

    groups: Groups
    score: float
    """Sum over tasks."""


@dataclass(frozen=True)
class _Cells:
    """The best values of subsets of tasks, and how each came about. Subset S without the first task has the row S / 2."""

    values: Floats
    """(groups + 1, 2^(t-1), most) in falling order, -inf where there is no further grouping."""
    groups: Numbers
    """The group with the lowest task, of the same shape."""
    ranks: Numbers
    """The place of the rest's grouping among the best of the rest."""


def best_groupings(scores: GroupScores, most: int = 1) -> dict[int, list[ScoredGrouping]]:
    """Return the best groupings for each number of groups, best first, at most so many for each.

    A number of groups that the measured groups cannot make is left out.
    """
    sums = scores.sums
    cells = _fill_cells(sums, len(scores.tasks), most)
    everything = len(sums) - 1
    values, groups, ranks = _best_splits(sums, cells, everything)
    by_count: dict[int, list[ScoredGrouping]] = {}
    for count in range(1, len(scores.tasks) + 1):
        ends = [
            (float(values[count, place]), int(groups[count, place]), int(ranks[count, place]))
            for place in range(most)
            if np.isfinite(values[count, place])
        ]
        listed = [
            ScoredGrouping(grouping_of([group, *_trace(cells, everything ^ group, count - 1, rank)], scores.tasks), value)
            for value, group, rank in ends
        ]
        if listed:
            by_count[count] = listed
    return by_count


def grouping_score(scores: GroupScores, groups: Groups) -> float:
    """Return the score of a grouping. Raises ConfigError if a group of it was not measured."""
    numbers = grouping_numbers(groups, scores.tasks)
    scores.require_groups(numbers, "this grouping")
    return float(scores.sums[numbers].sum())


def partition_sums(sums: Floats, labels: Numbers) -> Floats:
    """Return the scores of partitions, (..., 2^t) and (n, t) -> (..., n). Each row of labels gives the block of each task."""
    blocks = np.arange(labels.max(initial=0) + 1)
    numbers = ((labels[:, :, None] == blocks) * (1 << np.arange(labels.shape[1]))[:, None]).sum(axis=1)
    return np.asarray(sums[..., numbers].sum(axis=-1))


def groups_with_lowest(tasks: int) -> Numbers:
    """Return the subsets of these tasks that hold the lowest one."""
    lowest = tasks & -tasks
    subsets = np.array([lowest], np.int64)
    rest = tasks ^ lowest
    while rest:
        bit = rest & -rest
        subsets = np.concatenate([subsets, subsets | bit])
        rest ^= bit
    return subsets


def _fill_cells(sums: Floats, num_tasks: int, most: int) -> _Cells:
    """Return the cells of all subsets without the first task. No other subset is ever a rest."""
    shape = (num_tasks + 1, max(1, len(sums) // 2), most)
    cells = _Cells(np.full(shape, -np.inf), np.zeros(shape, np.int64), np.zeros(shape, np.int64))
    cells.values[0, 0, 0] = 0.0
    for tasks in range(2, len(sums), 2):
        row = tasks >> 1
        cells.values[:, row], cells.groups[:, row], cells.ranks[:, row] = _best_splits(sums, cells, tasks)
    return cells


def _best_splits(sums: Floats, cells: _Cells, tasks: int) -> tuple[Floats, Numbers, Numbers]:
    """Return values, groups and ranks of a subset's best groupings, (groups + 1, most) each, from those of smaller subsets."""
    most = cells.values.shape[2]
    groups = groups_with_lowest(tasks)
    rests = cells.values[:-1, (tasks ^ groups) >> 1]
    candidates = (sums[groups][:, None] + rests).reshape(len(rests), -1)
    places = _best_places(candidates, most)
    values = np.full((len(rests) + 1, most), -np.inf)
    chosen, ranks = np.zeros((2, *values.shape), np.int64)
    width = places.shape[1]
    values[1:, :width] = np.take_along_axis(candidates, places, axis=1)
    chosen[1:, :width] = groups[places // most]
    ranks[1:, :width] = places % most
    return values, chosen, ranks


def _best_places(candidates: Floats, most: int) -> Numbers:
    """Return the places of the highest values of each row, in falling order. Equal values keep their order."""
    if most == 1:
        return np.asarray(candidates.argmax(axis=1)[:, None])
    if candidates.shape[1] > most:
        top = np.sort(np.argpartition(-candidates, most - 1, axis=1)[:, :most], axis=1)
    else:
        top = np.broadcast_to(np.arange(candidates.shape[1]), candidates.shape)
    order = np.argsort(-np.take_along_axis(candidates, top, axis=1), axis=1, kind="stable")
    return np.take_along_axis(top, order, axis=1)


def _trace(cells: _Cells, tasks: int, count: int, rank: int) -> Iterator[int]:
    """Yield the groups of a subset's grouping."""
    while tasks:
        cell = (count, tasks >> 1, rank)
        group = int(cells.groups[cell])
        yield group
        tasks, count, rank = tasks ^ group, count - 1, int(cells.ranks[cell])
