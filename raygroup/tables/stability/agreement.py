"""Measures of how alike two partitions of tasks are."""

import math
from collections import Counter
from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from raygroup.tables.stability.partitions import Labels

Floats = NDArray[np.float64]


def shared_pairs(labels: Labels) -> Floats:
    """Return 1 for each pair of tasks that shares a block, (..., t) -> (..., t(t-1)/2)."""
    one, other = np.triu_indices(labels.shape[-1], 1)
    return np.asarray(labels[..., one] == labels[..., other], np.float64)


def adjusted_rand_index(one: Labels, other: Labels) -> float:
    """Return the adjusted Rand index of two partitions, (t,).

    It is 1 for equal partitions, and 0 on average for random ones with the same sizes of blocks (Hubert and Arabie, 1985).
    """
    return float(adjusted_rand_rows(one[None], other[None])[0])


def adjusted_rand_rows(one: Labels, other: Labels) -> Floats:
    """Return the adjusted Rand index of partitions row by row, (n, t) and (n, t) -> (n,)."""
    first, second = shared_pairs(one), shared_pairs(other)
    return _adjusted((first * second).sum(axis=1), first.sum(axis=1), second.sum(axis=1), first.shape[1])


def adjusted_rand_table(one: Labels, other: Labels) -> Floats:
    """Return the adjusted Rand index of every two partitions, (..., n, t) and (..., k, t) -> (..., n, k)."""
    first, second = shared_pairs(one), shared_pairs(other)
    both = first @ second.swapaxes(-1, -2)
    return _adjusted(both, first.sum(axis=-1)[..., :, None], second.sum(axis=-1)[..., None, :], first.shape[-1])


def _adjusted(both: Floats, first: Floats, second: Floats, num_pairs: int) -> Floats:
    """Return the index from the numbers of pairs that both partitions, the first and the second one keep together."""
    expected = first * second / max(num_pairs, 1)
    room = (first + second) / 2 - expected
    # Without room both partitions are the same trivial one: all tasks in one block, or each alone.
    return np.asarray(np.where(room > 0, (both - expected) / np.where(room > 0, room, 1), 1.0))


def variation_of_information(one: Labels, other: Labels) -> float:
    """Return the variation of information of two partitions, (t,), divided by log t.

    It is 0 for equal partitions and 1 for the largest difference: all tasks in one block against each alone (Meila, 2007).
    """
    size = len(one)
    if size < 2:
        return 0.0
    first, second = one.tolist(), other.tolist()
    nats = 2 * _entropy(zip(first, second, strict=True)) - _entropy(first) - _entropy(second)
    return max(0.0, nats / math.log(size))


def _entropy(blocks: Iterable[object]) -> float:
    """Return the entropy of the sizes of blocks, in nats."""
    counts = Counter(blocks).values()
    total = sum(counts)
    return -math.fsum(count / total * math.log(count / total) for count in counts)
