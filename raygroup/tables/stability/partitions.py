"""Partitions of tasks as arrays of labels.

Labels are (n, t) whole numbers. Row i gives the block of each task in partition i. Blocks are numbered by their first task, so equal
partitions have equal rows.
"""

import functools
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raygroup.randomness import generator
from raygroup.task_groups import Groups, groups_by_label

Labels = NDArray[np.int64]
MOST_LISTED_TASKS = 8
"""Most tasks whose partitions are listed. There are 4,140 partitions of 8 tasks, and 21,147 of 9."""


def labels_of(groups: Groups, tasks: Sequence[str]) -> Labels:
    """Return the block of each task, (t,). Raises ValueError if the groups are no partition of the tasks."""
    listed = [task for group in groups for task in group]
    if sorted(listed) != sorted(tasks):
        raise ValueError(f"{sorted(map(sorted, groups))} is not a partition of {', '.join(tasks)}")
    ordered = sorted((group for group in groups if group), key=lambda group: min(map(tasks.index, group)))
    block_of = {task: block for block, group in enumerate(ordered) for task in group}
    return np.array([block_of[task] for task in tasks], np.int64)


def groups_of(labels: Labels, tasks: Sequence[str]) -> Groups:
    """Return the groups of one partition, (t,)."""
    return frozenset(map(frozenset, groups_by_label(tasks, labels.tolist())))


def num_blocks(labels: Labels) -> list[int]:
    """Return the number of blocks of each partition, (n, t)."""
    return [len(set(row)) for row in labels.tolist()]


@functools.cache
def all_partitions(num_tasks: int, blocks: int) -> Labels:
    """Return every partition of the tasks into this many blocks, (n, t).

    n is the Stirling number of the second kind, such as 350 for seven tasks and four blocks.
    """
    rows: list[tuple[int, ...]] = [()]
    for _ in range(num_tasks):
        rows = [(*row, block) for row in rows for block in range(min(blocks, max(row, default=-1) + 2))]
    return np.array([row for row in rows if max(row, default=-1) == blocks - 1], np.int64).reshape(-1, num_tasks)


def draw_partitions(num_tasks: int, blocks: int, count: int, *key: object) -> Labels:
    """Return ``count`` partitions into this many blocks, (count, t), each as likely as any other.

    Equal keys give equal draws.
    """
    draws = generator("partitions", num_tasks, blocks, *key)
    if num_tasks <= MOST_LISTED_TASKS:
        listed = all_partitions(num_tasks, blocks)
        return listed[draws.integers(0, len(listed), count)]
    return np.array([_draw_partition(num_tasks, blocks, draws) for _ in range(count)], np.int64)


def _draw_partition(num_tasks: int, blocks: int, draws: np.random.Generator) -> list[int]:
    """Draw one partition from the recurrence of Stirling numbers: the last task is alone, or joins a block of the others."""
    choices: list[int | None] = []
    rest, left = num_tasks, blocks
    while rest:
        if draws.random() < _stirling(rest - 1, left - 1) / _stirling(rest, left):
            choices.append(None)
            left -= 1
        else:
            choices.append(int(draws.integers(0, left)))
        rest -= 1
    labels: list[int] = []
    for choice in reversed(choices):
        labels.append(max(labels, default=-1) + 1 if choice is None else choice)
    return labels


@functools.cache
def _stirling(num_tasks: int, blocks: int) -> int:
    """Return the number of partitions of the tasks into this many blocks."""
    if num_tasks == 0 or blocks <= 0:
        return int(num_tasks == 0 and blocks == 0)
    return _stirling(num_tasks - 1, blocks - 1) + blocks * _stirling(num_tasks - 1, blocks)
