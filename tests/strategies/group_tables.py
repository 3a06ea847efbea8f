"""Small tables of group scores for the tests of strategies."""

import numpy as np

from raygroup.strategies.group_scores import GroupScores, group_scores, members
from raygroup.task_groups import Groups


def groups(*names: str) -> Groups:
    return frozenset(map(frozenset, names))


def three_tasks(**changes: tuple[float, ...]) -> GroupScores:
    """a and b help each other, c suffers with anyone. In tenths: alone 5 each, ab 7 7, ac 4 2, bc 4 2, abc 6 6 1."""
    rows = {"a": (5,), "b": (5,), "c": (5,), "ab": (7, 7), "ac": (4, 2), "bc": (4, 2), "abc": (6, 6, 1)} | changes
    return group_scores("abc", {frozenset(name): dict(zip(name, row, strict=True)) for name, row in rows.items() if row})


def random_scores(num_tasks: int, seed: int = 0) -> GroupScores:
    return GroupScores(tasks=tuple("abcdefghijkl"[:num_tasks]), values=random_values(num_tasks, seed))


def random_values(num_tasks: int, seed: int = 0) -> np.ndarray:
    values = np.random.default_rng(seed).random((1 << num_tasks, num_tasks))
    return np.where(members(num_tasks), values, np.nan)
