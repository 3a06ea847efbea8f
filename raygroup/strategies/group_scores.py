"""Scores of groups: how well each task is read by a head that was trained on one group.

A group is a whole number: bit i is set if it holds task i. With frozen features and hard routing a head depends on its group alone. So
these scores give the score of every grouping, as a sum (DESIGN decision 10).
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError, first_names
from raygroup.task_groups import Groups
from raygroup.tasks import by_paper_order

Floats = NDArray[np.float64]
MOST_TASKS = 14
"""Most tasks of a table. It has a row for each of the 2^t groups."""
_MOST_NAMED = 3


@dataclass(frozen=True, kw_only=True)
class GroupScores:
    """The score of each task under the head of each group. Higher is better, so a loss comes with a minus sign."""

    tasks: tuple[str, ...]
    values: Floats
    """(2^t, t). NaN for a task outside the group, and for a group that was not measured."""
    cost_s: Floats = field(default_factory=lambda: np.zeros(1))
    """Device seconds that each group's head took, (2^t,), or one number for all."""

    def __post_init__(self) -> None:
        require_few_tasks(self.tasks)
        shape = (1 << len(self.tasks), len(self.tasks))
        if self.values.shape != shape:
            raise ConfigError(f"scores of {len(self.tasks)} tasks have the shape {self.values.shape}: it must be {shape}")
        if np.isinf(self.values).any():
            raise ConfigError("scores hold an infinite value: a score must be finite, or NaN if it was not measured")

    @property
    def sums(self) -> Floats:
        """Return each group's sum over its tasks, (2^t,). It is -inf for a group that was not measured, and 0 for the empty one."""
        return group_sums(self.values)

    @property
    def measured(self) -> list[int]:
        """Return the groups that were measured. The empty group is none."""
        return [group for group in np.flatnonzero(np.isfinite(self.sums)).tolist() if group]

    def cost_of(self, groups: Iterable[int]) -> float:
        """Return the device seconds of these groups' heads, each counted once."""
        return float(np.broadcast_to(self.cost_s, len(self.values))[sorted(set(groups))].sum())

    def require_groups(self, groups: Iterable[int], purpose: str) -> None:
        """Raise ConfigError with the first groups that were not measured."""
        known = np.isfinite(self.sums)
        missing = [group_text(group, self.tasks) for group in groups if not known[group]]
        if missing:
            raise ConfigError(
                f"{purpose} lacks the scores of {first_names(missing, _MOST_NAMED)}: every group that it reads must be measured"
            )


def group_scores(tasks: Sequence[str], rows: Mapping[frozenset[str], Mapping[str, float]], cost_s: float = 0.0) -> GroupScores:
    """Return the table of measured groups: ``rows`` gives each group's score by task."""
    require_few_tasks(tasks)
    values = np.full((1 << len(tasks), len(tasks)), np.nan)
    for group, row in rows.items():
        if set(row) != group or not group <= set(tasks):
            named = "+".join(by_paper_order(set(group)))
            raise ConfigError(f"scores of group {named} name {', '.join(sorted(row))}: they must name its tasks, out of {', '.join(tasks)}")
        values[group_number(group, tasks), [tasks.index(task) for task in row]] = list(row.values())
    return GroupScores(tasks=tuple(tasks), values=values, cost_s=np.array([cost_s]))


def require_few_tasks(tasks: Sequence[str]) -> None:
    """Raise ConfigError if there are no tasks, too many, or one twice."""
    if not 1 <= len(tasks) <= MOST_TASKS or len(set(tasks)) < len(tasks):
        raise ConfigError(f"scores of groups have {len(tasks)} tasks: they must have 1 to {MOST_TASKS}, each once")


def group_sums(values: Floats) -> Floats:
    """Return the sum over each group's tasks, (..., 2^t, t) -> (..., 2^t). It is -inf if a task of the group has no score."""
    inside = members(values.shape[-1])
    return np.asarray(np.where(inside, np.where(np.isnan(values), -np.inf, values), 0.0).sum(axis=-1))


def members(num_tasks: int) -> NDArray[np.bool_]:
    """Return which tasks each group holds, (2^t, t)."""
    return np.asarray(np.arange(1 << num_tasks)[:, None] >> np.arange(num_tasks) & 1, np.bool_)


def group_number(group: Iterable[str], tasks: Sequence[str]) -> int:
    """Return the number of a group of tasks."""
    return sum(1 << tasks.index(task) for task in group)


def group_tasks(number: int, tasks: Sequence[str]) -> frozenset[str]:
    """Return the tasks of a group."""
    return frozenset(task for place, task in enumerate(tasks) if number >> place & 1)


def group_text(number: int, tasks: Sequence[str]) -> str:
    """Format a group as ``ar+ko``."""
    return "+".join(task for place, task in enumerate(tasks) if number >> place & 1)


def grouping_numbers(groups: Groups, tasks: Sequence[str]) -> list[int]:
    """Return the numbers of a grouping's groups, in rising order."""
    return sorted(group_number(group, tasks) for group in groups)


def grouping_of(numbers: Iterable[int], tasks: Sequence[str]) -> Groups:
    """Return the grouping of these groups."""
    return frozenset(group_tasks(number, tasks) for number in numbers)
