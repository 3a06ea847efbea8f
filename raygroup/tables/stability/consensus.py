"""The grouping that several runs have in common, by average linkage."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from raygroup.tables.stability.agreement import Floats
from raygroup.tables.stability.partitions import Labels
from raygroup.task_groups import Groups

_ROUNDING = 1e-9
"""Two distances that differ by less are a tie."""


@dataclass(frozen=True)
class Cluster:
    """A task, or two clusters that were merged."""

    members: tuple[int, ...]
    """Numbers of its tasks, from left to right in a dendrogram."""
    height: float = 0.0
    """Mean distance between the tasks of its two parts. 0 for a task."""
    parts: tuple["Cluster", ...] = ()


def co_assignment(labels: Labels) -> Floats:
    """Return the share of partitions in which two tasks share a block, (n, t) -> (t, t). The diagonal is 1."""
    return np.asarray((labels[:, :, None] == labels[:, None, :]).mean(axis=0))


def average_linkage(distance: Floats, num_clusters: int = 1) -> list[Cluster]:
    """Merge the two closest clusters until ``num_clusters`` are left, and return them by their first tasks.

    ``distance`` is (t, t) and symmetric. If several pairs are equally close, the one with the earliest tasks is merged.
    """
    clusters = [Cluster((task,)) for task in range(len(distance))]
    while len(clusters) > num_clusters:
        pairs = [
            (float(distance[np.ix_(one.members, other.members)].mean()), first, second)
            for first, one in enumerate(clusters)
            for second, other in enumerate(clusters)
            if first < second
        ]
        least = min(pairs)[0]
        height, first, second = next(pair for pair in pairs if pair[0] <= least + _ROUNDING)
        one, other = clusters[first], clusters.pop(second)
        clusters[first] = Cluster(one.members + other.members, height, (one, other))
    return clusters


def consensus(together: Floats, tasks: Sequence[str], num_groups: int) -> Groups:
    """Return the grouping into ``num_groups`` groups that fits a co-assignment matrix, (t, t), by average linkage on 1 - C."""
    clusters = average_linkage(1 - together, num_groups)
    return frozenset(frozenset(tasks[number] for number in cluster.members) for cluster in clusters)
