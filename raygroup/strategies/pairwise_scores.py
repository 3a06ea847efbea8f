"""Scores of any group of many tasks, from what pairs of tasks do for each other.

A table of all groups has 2^t rows. For more than 14 tasks a group is scored when it is looked at, by its size and by sums over its tasks
and pairs. All predictions that strategies use have this form.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError, first_names
from raygroup.strategies.group_scores import Floats
from raygroup.strategies.surrogate import FEWEST_GROUPS, fit_ridge

OF_TASK = 3
"""Numbers of a task: its score in every group, its score divided by the size of the group, and its score alone."""
_MOST_NAMED = 3


@dataclass(frozen=True)
class MeasuredGroups:
    """The scores of some groups of many tasks. Higher is better."""

    tasks: tuple[str, ...]
    rows: Mapping[frozenset[str], Mapping[str, float]]
    """Group -> the score of each of its tasks."""
    cost_s: float = 0.0
    """Device seconds of all their heads."""

    def __post_init__(self) -> None:
        for group, row in self.rows.items():
            if set(row) != group or not group <= set(self.tasks):
                raise ConfigError(f"scores of group {'+'.join(sorted(group))} name {', '.join(sorted(row))}: they must name its tasks")


@dataclass(frozen=True)
class PairwiseScores:
    """A score of any group: sums over its tasks, plus the sum over its ordered pairs times a weight that its size decides."""

    tasks: tuple[str, ...]
    pairs: Floats
    """(t, t), symmetric: what two tasks do for each other, both ways together. The diagonal is 0."""
    of_task: Floats
    """(t, 3), see OF_TASK."""
    shared_by: str
    """The sum over pairs is divided by the number of ``tasks``, by that of the ``others`` of a task, or by ``nothing``."""

    def values(self, sizes: Floats, pairs: Floats, of_tasks: Floats) -> Floats:
        """Return the scores of groups from their sizes (...,), their sums over pairs (...,), and over tasks (..., 3).

        An empty group has a score of 0.
        """
        divisor = {"tasks": sizes, "others": sizes - 1, "nothing": np.ones_like(sizes)}[self.shared_by]
        alone = np.where(sizes == 1, of_tasks[..., 2], 0.0)
        scores = of_tasks[..., 0] + of_tasks[..., 1] / np.maximum(sizes, 1) + alone + pairs / np.maximum(divisor, 1)
        return np.asarray(np.where(sizes > 0, scores, 0.0))

    def score(self, groups: Iterable[Iterable[str]]) -> float:
        """Return the score of a grouping, a sum over its groups."""
        return float(sum(self._group_score([self.tasks.index(task) for task in group]) for group in groups))

    def _group_score(self, places: Sequence[int]) -> float:
        inside = self.pairs[np.ix_(places, places)].sum() / 2
        return float(self.values(np.array(float(len(places))), np.array(inside), self.of_task[places].sum(axis=0)))


def pairwise_affinity(affinity: Floats, tasks: tuple[str, ...]) -> PairwiseScores:
    """Return the scores of ``affinity_scores``: each task's mean affinity from the group's tasks, itself included.

    ``affinity`` is (t, t), with the acting task in the row.
    """
    return PairwiseScores(tasks, _both_ways(affinity), _of_task(len(tasks), per_size=np.diag(affinity)), "tasks")


def pairwise_hoa(measured: MeasuredGroups) -> PairwiseScores:
    """Return the scores of the higher-order approximation. Raises ConfigError without the scores of all single tasks and pairs."""
    tasks, table = measured.tasks, np.zeros((len(measured.tasks), len(measured.tasks)))
    missing = [
        "+".join(dict.fromkeys((one, other)))
        for place, one in enumerate(tasks) for other in tasks[place:] if frozenset({one, other}) not in measured.rows
    ]  # fmt: skip
    if missing:
        raise ConfigError(f"the higher-order approximation lacks the scores of {first_names(missing, _MOST_NAMED)}")
    for column, task in enumerate(tasks):
        table[:, column] = [measured.rows[frozenset({task, other})][task] for other in tasks]
    return PairwiseScores(tasks, _both_ways(table), _of_task(len(tasks), alone=np.diag(table)), "others")


def pairwise_ridge(measured: MeasuredGroups) -> PairwiseScores:
    """Return the predictions of the ridge surrogate: each task's score is linear in its group's other tasks and in 1 / size.

    Raises ConfigError if a task is in too few measured groups.
    """
    tasks, groups = measured.tasks, list(measured.rows)
    inside = np.array([[task in group for task in tasks] for group in groups], float)
    sizes = inside.sum(axis=1)
    table, base, per_size = np.zeros((len(tasks), len(tasks))), np.zeros(len(tasks)), np.zeros(len(tasks))
    for place, task in enumerate(tasks):
        rows = np.flatnonzero(inside[:, place])
        if len(rows) < FEWEST_GROUPS:
            raise ConfigError(
                f"the number of measured groups of task '{task}' is {len(rows)}: the ridge surrogate needs at least {FEWEST_GROUPS}"
            )
        known = np.column_stack([np.delete(inside[rows], place, axis=1), 1 / sizes[rows]])
        # The fit is linear, so its values at 0 and at each unit vector are its coefficients.
        features = np.concatenate([known, np.zeros((1, known.shape[1])), np.eye(known.shape[1])])
        scores = np.array([measured.rows[groups[row]][task] for row in rows])
        fitted = fit_ridge(features, np.arange(len(rows)), scores)[0][len(rows) :]
        base[place], per_size[place] = fitted[0], fitted[-1] - fitted[0]
        table[np.arange(len(tasks)) != place, place] = fitted[1:-1] - fitted[0]
    return PairwiseScores(tasks, _both_ways(table), _of_task(len(tasks), base=base, per_size=per_size), "nothing")


def _both_ways(table: Floats) -> Floats:
    both = table + table.T
    np.fill_diagonal(both, 0.0)
    return np.asarray(both)


def _of_task(
    num_tasks: int, base: Floats | None = None, per_size: Floats | None = None, alone: Floats | None = None
) -> NDArray[np.float64]:
    return np.column_stack([np.zeros(num_tasks) if column is None else column for column in (base, per_size, alone)])
