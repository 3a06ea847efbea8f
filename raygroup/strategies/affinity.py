"""From what one task's training does for another to scores of groups."""

from collections.abc import Callable

import numpy as np

from raygroup.strategies.evidence import Evidence
from raygroup.strategies.group_scores import MOST_TASKS, Floats, GroupScores, members
from raygroup.strategies.local_search import search_grouping
from raygroup.strategies.pairwise_scores import pairwise_affinity
from raygroup.strategies.partition_search import best_groupings
from raygroup.task_groups import Groups


def affinity_scores(affinity: Floats, tasks: tuple[str, ...]) -> GroupScores:
    """Return the score of each task in each group: the mean affinity of the group's tasks to it, itself included.

    ``affinity`` is (t, t), with the acting task in the row. This is what a step along the mean of the group's gradients does. The published
    forms leave out the task itself, so they cannot score a task that is alone.
    """
    inside = members(len(tasks)).astype(float)
    sizes = np.maximum(inside.sum(axis=1, keepdims=True), 1)
    values = np.where(inside > 0, inside @ affinity / sizes, np.nan)
    return GroupScores(tasks=tasks, values=values)


def affinity_choice(part: str) -> Callable[[Evidence, int], Groups]:
    """Return the choice by affinity. ``part`` names the affinities in the evidence, (t, t)."""

    def choose(evidence: Evidence, num_groups: int) -> Groups:
        return best_by_affinity(np.asarray(getattr(evidence, part)), evidence.tasks, num_groups)

    return choose


def best_by_affinity(affinity: Floats, tasks: tuple[str, ...], num_groups: int) -> Groups:
    """Return the grouping with the highest sum of affinity scores. For more than 14 tasks it comes from local search."""
    if len(tasks) > MOST_TASKS:
        return search_grouping(pairwise_affinity(affinity, tasks), num_groups).groups
    return best_groupings(affinity_scores(affinity, tasks))[num_groups][0].groups
