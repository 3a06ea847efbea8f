"""Pure functions over R_TM: which head a task is on, when that changed, when it settled, and how sure it is.

An assignment array is (n, t): the head of every task after every recorded step. "Over the first N steps" is ``assignment[:N]``.
"""

import itertools
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.task_groups import TaskGroups

Assignment = NDArray[np.int64]
Reals = NDArray[np.floating[Any]]


def assignment(r_tm: Reals) -> Assignment:
    """Head of each task: argmax over the last axis, ties to the lowest head; (n, t, m) -> (n, t)."""
    return np.asarray(np.argmax(r_tm, axis=-1), np.int64)


def change_rows(assigned: Assignment) -> NDArray[np.intp]:
    """Rows whose assignment differs from the row before; the first recorded step is never one."""
    return np.flatnonzero((assigned[1:] != assigned[:-1]).any(axis=1)) + 1


def raw_changes(assigned: Assignment) -> int:
    """Steps whose assignment differs from the step before: the released code's rule.

    It starts after the first step, so leaving the initial tie is no change; heads keep their labels, so two heads that swap
    their tasks do change; several tasks that move in one step are one change.
    """
    return len(change_rows(assigned))


def task_changes(assigned: Assignment) -> int:
    """Moves of single tasks: two tasks that move in one step are two."""
    return int((assigned[1:] != assigned[:-1]).sum())


def settled_changes(assigned: Assignment, hold: int) -> int:
    """Changes from one settled assignment to another: an assignment is settled once it has stood for ``hold`` steps in a row.

    The first one to settle is no change, and neither is falling back to the last settled one. ``hold`` 1 is ``raw_changes``.
    """
    settled = [assigned[first] for first, end in _runs(assigned) if end - first >= hold]
    return sum(not np.array_equal(before, after) for before, after in itertools.pairwise(settled))


def settling_row(assigned: Assignment) -> int:
    """The row from which the last assignment stood unbroken to the end."""
    changes = change_rows(assigned)
    return int(changes[-1]) if len(changes) else 0


def stability(assigned: Assignment) -> float:
    """Share of the recorded steps, counted back from the end, over which the last assignment stood unbroken; above 0, up to 1."""
    return (len(assigned) - settling_row(assigned)) / len(assigned)


def unstable(assigned: Assignment, settle: int) -> bool:
    """Whether the last assignment has not stood for ``settle`` steps (in the paper, all stood for the last 10k of 20k)."""
    return len(assigned) - settling_row(assigned) < settle


def task_probabilities(r_tm: Reals) -> NDArray[np.float64]:
    """P_TM without Gumbel noise: softmax of R_TM over heads, same shape."""
    shifted = np.asarray(r_tm, np.float64) - np.max(r_tm, axis=-1, keepdims=True)
    exponent = np.exp(shifted)
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))


def max_probability(r_tm: Reals) -> NDArray[np.float64]:
    """max P_TM of each task, from 1/m (all heads alike) to 1 (decided); (..., t, m) -> (..., t)."""
    return np.asarray(task_probabilities(r_tm).max(axis=-1))


def decisiveness(r_tm: Reals) -> float:
    """Mean over tasks of max P_TM for one step (t, m). A grouping with little more than 1/m is noise."""
    return float(max_probability(r_tm).mean())


def entropy(r_tm: Reals) -> NDArray[np.float64]:
    """Entropy in nats of each task's P_TM, from 0 (decided) to log m (all heads alike); (..., t, m) -> (..., t)."""
    p_tm = task_probabilities(r_tm)
    return np.asarray(-np.where(p_tm > 0, p_tm * np.log(np.where(p_tm > 0, p_tm, 1)), 0).sum(axis=-1))


def grouping(tasks: Sequence[str], heads: int, assigned: Sequence[int] | Assignment) -> TaskGroups:
    """The grouping of one row of an assignment array."""
    return TaskGroups(tuple(zip(tasks, map(int, assigned), strict=True)), heads)


def _runs(assigned: Assignment) -> list[tuple[int, int]]:
    """(first row, row after the last) of every stretch without a change."""
    changes = change_rows(assigned).tolist()
    return list(zip([0, *changes], [*changes, len(assigned)], strict=True))
