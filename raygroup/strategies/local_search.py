"""Find a good grouping of many tasks by local search.

Exact search looks at (3^t - 1)/2 pairs of sets, so it ends at some 14 tasks. Here a grouping is changed as long as its score rises: a task
moves to another group, two tasks swap, or one group is split while two others merge. It starts from several groupings, and the best end is
returned. It may miss the best grouping of all.
"""

from collections.abc import Iterator

import numpy as np

from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.strategies.group_scores import Floats
from raygroup.strategies.pairwise_scores import PairwiseScores
from raygroup.strategies.partition_search import ScoredGrouping
from raygroup.tables.stability.partitions import Labels, groups_of

STARTS = 8
"""Random groupings to start from, besides the one that merges the best pairs of groups."""
_GAIN = 1e-9
"""A change must raise the score by more than this share of its size."""


class _Grouping:
    """A grouping with the sums that its changes are scored by. Shapes: t tasks, m groups."""

    def __init__(self, scores: PairwiseScores, labels: Labels, num_groups: int) -> None:
        self.scores, self.labels = scores, labels
        inside = np.eye(num_groups)[labels]
        self.sizes = inside.sum(axis=0)
        self.towards = scores.pairs @ inside  # (t, m): the pairs of each task with each group
        self.between = inside.T @ self.towards  # (m, m), and twice the pairs within each group on the diagonal
        self.pairs = np.diag(self.between) / 2
        self.of_tasks = inside.T @ scores.of_task
        self.values = scores.values(self.sizes, self.pairs, self.of_tasks)

    @property
    def score(self) -> float:
        return float(self.values.sum())

    def moves(self) -> Floats:
        """Return the gain of each task's move to each group, (t, m). The last task of a group stays."""
        own, of_task, rows = self.labels, self.scores.of_task, np.arange(len(self.labels))
        left = self.scores.values(self.sizes[own] - 1, self.pairs[own] - self.towards[rows, own], self.of_tasks[own] - of_task)
        joined = self.scores.values(
            np.broadcast_to(self.sizes + 1, self.towards.shape), self.pairs + self.towards, self.of_tasks + of_task[:, None]
        )
        gains = (left - self.values[own])[:, None] + joined - self.values
        gains[rows, own] = -np.inf
        gains[self.sizes[own] == 1] = -np.inf
        return np.asarray(gains)

    def swaps(self) -> Floats:
        """Return the gain of each pair of tasks that change places, (t, t)."""
        own, of_task, rows = self.labels, self.scores.of_task, np.arange(len(self.labels))
        pairs = (self.pairs[own] - self.towards[rows, own])[:, None] + self.towards[:, own].T - self.scores.pairs
        of_tasks = (self.of_tasks[own] - of_task)[:, None] + of_task
        replaced = self.scores.values(np.broadcast_to(self.sizes[own][:, None], pairs.shape), pairs, of_tasks) - self.values[own][:, None]
        return np.asarray(np.where(own[:, None] == own, -np.inf, replaced + replaced.T))

    def merges(self) -> Floats:
        """Return the gain of each pair of groups that merge, (m, m)."""
        pairs = self.pairs[:, None] + self.pairs + self.between
        merged = self.scores.values(self.sizes[:, None] + self.sizes, pairs, self.of_tasks[:, None] + self.of_tasks)
        gains = merged - self.values[:, None] - self.values
        np.fill_diagonal(gains, -np.inf)
        return np.asarray(gains)


def search_grouping(scores: PairwiseScores, num_groups: int, starts: int = STARTS, seed: int = 0) -> ScoredGrouping:
    """Return the best grouping into so many groups that local search finds, with its score, a sum over groups.

    Equal seeds give equal groupings. Raises ConfigError for a number of groups that the tasks cannot make.
    """
    num_tasks = len(scores.tasks)
    if not 1 <= num_groups <= num_tasks:
        raise ConfigError(f"the number of groups is {num_groups}: {num_tasks} tasks form 1 to {num_tasks}")
    ends = [_climb(scores, labels, num_groups) for labels in _starts(scores, num_groups, starts, seed)]
    best = max(ends, key=lambda end: end.score)
    return ScoredGrouping(groups_of(best.labels, scores.tasks), best.score)


def _starts(scores: PairwiseScores, num_groups: int, starts: int, seed: int) -> Iterator[Labels]:
    num_tasks = len(scores.tasks)
    yield _merged(scores, num_groups)
    draws = generator("local search", num_tasks, num_groups, seed)
    for _ in range(starts if 1 < num_groups < num_tasks else 0):
        labels = draws.integers(0, num_groups, num_tasks)
        labels[draws.permutation(num_tasks)[:num_groups]] = np.arange(num_groups)  # no group is empty
        yield labels


def _merged(scores: PairwiseScores, num_groups: int) -> Labels:
    """Return the grouping that begins with every task alone and always merges the two groups that gain most."""
    labels = np.arange(len(scores.tasks))
    for count in range(len(labels), num_groups, -1):
        one, other = np.unravel_index(_Grouping(scores, labels, count).merges().argmax(), (count, count))
        labels = np.where(labels == max(one, other), min(one, other), labels)
        labels = np.where(labels > max(one, other), labels - 1, labels)
    return np.asarray(labels)


def _climb(scores: PairwiseScores, labels: Labels, num_groups: int) -> _Grouping:
    """Change a grouping until no change raises its score."""
    grouping = _climb_by_tasks(scores, labels, num_groups)
    while True:
        split = _split_and_merge(grouping)
        if split is None:
            return grouping
        grouping = _climb_by_tasks(scores, split, num_groups)


def _climb_by_tasks(scores: PairwiseScores, labels: Labels, num_groups: int) -> _Grouping:
    """Take the best move or swap of tasks until none raises the score."""
    labels = labels.copy()
    while True:
        grouping = _Grouping(scores, labels, num_groups)
        least = _GAIN * (1 + abs(grouping.score))
        gains = grouping.moves()
        task, group = np.unravel_index(gains.argmax(), gains.shape)
        if gains[task, group] > least:
            labels[task] = group
            continue
        gains = grouping.swaps()
        one, other = np.unravel_index(gains.argmax(), gains.shape)
        if not gains[one, other] > least:
            return grouping
        labels[one], labels[other] = labels[other], labels[one]


def _split_and_merge(grouping: _Grouping) -> Labels | None:
    """Return the labels after the best split of one group and merge of two others, or None if none raises the score."""
    merges, num_groups = grouping.merges(), len(grouping.sizes)
    best: tuple[float, Labels] | None = None
    for group in np.flatnonzero(grouping.sizes > 1).tolist() if num_groups > 2 else ():
        others = np.delete(np.delete(merges, group, axis=0), group, axis=1)
        gain, part = _split(grouping, group)
        gain += float(others.max())
        if gain > _GAIN * (1 + abs(grouping.score)) and (best is None or gain > best[0]):
            one, other = (place + (place >= group) for place in np.unravel_index(others.argmax(), others.shape))
            labels = np.where(grouping.labels == other, one, grouping.labels)
            labels[part] = other
            best = gain, labels
    return None if best is None else best[1]


def _split(grouping: _Grouping, group: int) -> tuple[float, Labels]:
    """Return the gain of dividing a group in two, and the tasks of its second part."""
    places = np.flatnonzero(grouping.labels == group)
    whole = grouping.scores
    pairs = whole.pairs[np.ix_(places, places)]
    part = PairwiseScores(tuple(whole.tasks[place] for place in places), pairs, whole.of_task[places], whole.shared_by)
    # The two tasks that suit each other least begin the parts, and each other task joins the one that suits it better.
    one, other = np.unravel_index((pairs + np.diag(np.full(len(places), np.inf))).argmin(), pairs.shape)
    labels = (pairs[:, other] > pairs[:, one]).astype(np.int64)
    labels[one], labels[other] = 0, 1
    divided = _climb_by_tasks(part, labels, 2)
    return divided.score - float(grouping.values[group]), places[divided.labels == 1]
