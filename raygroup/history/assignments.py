"""Measures of R_TM: heads of the tasks, changes, settling, decisiveness.

All are pure functions. An assignment array is (n, t): the head of every task after every recorded
step. For the first N steps, pass ``assignment[:N]``.
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
    """Return the head of each task, (n, t, m) -> (n, t).

    It is the argmax over the last axis. Ties go to the lowest head.
    """
    return np.asarray(np.argmax(r_tm, axis=-1), np.int64)


def change_rows(assigned: Assignment) -> NDArray[np.intp]:
    """Return the rows whose assignment differs from the row before. The first row is never one."""
    return np.flatnonzero((assigned[1:] != assigned[:-1]).any(axis=1)) + 1


def raw_changes(assigned: Assignment) -> int:
    """Count the steps whose assignment differs from the step before.

    This is the released code's rule. Leaving the initial tie is no change, because counting starts
    after the first step. Two heads that swap their tasks are a change, because heads keep their
    labels. Several tasks that move in one step are one change.
    """
    return len(change_rows(assigned))


def task_changes(assigned: Assignment) -> int:
    """Count the moves of single tasks. Two tasks that move in one step are two moves."""
    return int((assigned[1:] != assigned[:-1]).sum())


def settled_changes(assigned: Assignment, hold: int) -> int:
    """Count the changes from one settled assignment to another.

    An assignment is settled once it has lasted ``hold`` steps in a row. The first one to settle is
    no change, and neither is a return to the last settled one. With ``hold`` 1 this equals
    ``raw_changes``.
    """
    settled = [assigned[first] for first, end in _runs(assigned) if end - first >= hold]
    return sum(not np.array_equal(before, after) for before, after in itertools.pairwise(settled))


def settling_row(assigned: Assignment) -> int:
    """Return the row from which the last assignment lasted to the end."""
    changes = change_rows(assigned)
    return int(changes[-1]) if len(changes) else 0


def stability(assigned: Assignment) -> float:
    """Return the share of steps that the last assignment lasted. It is above 0 and at most 1."""
    return (len(assigned) - settling_row(assigned)) / len(assigned)


def is_unstable(assigned: Assignment, settle: int) -> bool:
    """Return True if the last assignment has lasted less than ``settle`` steps.

    In the paper, every run's last assignment lasted for the last 10k of 20k steps.
    """
    return len(assigned) - settling_row(assigned) < settle


def task_probabilities(r_tm: Reals) -> NDArray[np.float64]:
    """Return P_TM without Gumbel noise, of R_TM's shape: the softmax over heads."""
    shifted = np.asarray(r_tm, np.float64) - np.max(r_tm, axis=-1, keepdims=True)
    exponent = np.exp(shifted)
    return np.asarray(exponent / exponent.sum(axis=-1, keepdims=True))


def max_probability(r_tm: Reals) -> NDArray[np.float64]:
    """Return max P_TM of each task, (..., t, m) -> (..., t).

    It runs from 1/m, where all heads are equally likely, to 1, where the task is decided.
    """
    return np.asarray(task_probabilities(r_tm).max(axis=-1))


def decisiveness(r_tm: Reals) -> float:
    """Return the mean over tasks of max P_TM for one step, (t, m). A grouping with little more than
    1/m is noise."""
    return float(max_probability(r_tm).mean())


def entropy(r_tm: Reals) -> NDArray[np.float64]:
    """Return the entropy of each task's P_TM in nats.

    (..., t, m) -> (..., t). It runs from 0, where the task is decided, to log m, where all heads
    are equally likely.
    """
    p_tm = task_probabilities(r_tm)
    return np.asarray(-np.where(p_tm > 0, p_tm * np.log(np.where(p_tm > 0, p_tm, 1)), 0).sum(axis=-1))


def grouping(tasks: Sequence[str], heads: int, assigned: Sequence[int] | Assignment) -> TaskGroups:
    """Return the grouping in one row of an assignment array."""
    return TaskGroups(tuple(zip(tasks, map(int, assigned), strict=True)), heads)


def _runs(assigned: Assignment) -> list[tuple[int, int]]:
    """Return (first row, row after the last) of every stretch without a change."""
    changes = change_rows(assigned).tolist()
    return list(zip([0, *changes], [*changes, len(assigned)], strict=True))
