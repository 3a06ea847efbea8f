"""How well random groupings agree.

The null hypothesis: each run has a partition drawn at random, all partitions with its number of groups being equally likely.
"""

import math
from dataclasses import dataclass

import numpy as np

from raygroup.tables.stability.agreement import Floats, adjusted_rand_table
from raygroup.tables.stability.partitions import MOST_LISTED_TASKS, Labels, all_partitions, draw_partitions, num_blocks
from raygroup.tables.stability.permutation import DRAWS, ROUNDING, permutation_p

_MOST_LISTED = 1_000_000
"""Most combinations of partitions that are listed."""
_FEW_DRAWS = 2_000
"""Draws if each takes longer, because there are many runs or too many partitions to be listed."""
_MANY_RUNS = 30
_MOST_AT_ONCE = 1_000_000
"""Most pairs of drawn partitions that are compared at once. More need much memory."""


@dataclass(frozen=True)
class ChanceAgreement:
    """The agreement of runs beside that of random groupings with as many groups. Agreement is the mean adjusted Rand index of pairs."""

    agreement: float
    p: float
    """Probability that random groupings agree as well or better."""
    p95: float
    """The agreement that random groupings reach or exceed with a probability of at most 5 %. It is inf if no agreement is so rare."""
    exact: bool
    """True if all combinations were listed, False if they were drawn."""


def mean_agreement(labels: Labels) -> float:
    """Return the mean adjusted Rand index over pairs of partitions, (s, t). It needs two or more."""
    return float(_mean_agreements(labels[None])[0])


def pair_agreements(labels: Labels) -> Floats:
    """Return the adjusted Rand index of each pair of partitions, (s, t) -> (s(s-1)/2,)."""
    return np.asarray(adjusted_rand_table(labels, labels)[np.triu_indices(len(labels), 1)])


def chance_agreement(labels: Labels) -> ChanceAgreement:
    """Compare the agreement of partitions, (s, t), with chance. It needs two or more.

    Two or three partitions of at most eight tasks are compared with all combinations if these are not too many, others with drawn ones.
    """
    observed = mean_agreement(labels)
    blocks = num_blocks(labels)
    num_tasks = labels.shape[1]
    spaces = [all_partitions(num_tasks, count) for count in blocks] if num_tasks <= MOST_LISTED_TASKS and len(labels) <= 3 else []
    exact = bool(spaces) and len(_shapes(spaces[0])[1]) * math.prod(map(len, spaces[1:])) <= _MOST_LISTED
    values, weights = _listed(spaces) if exact else _drawn(num_tasks, blocks)
    total = float(weights.sum())
    reached = float(weights[values >= observed - ROUNDING].sum())
    p = permutation_p(reached, total, exact=exact)
    rare = np.cumsum(weights[::-1])[::-1] <= 0.05 * total + ROUNDING
    return ChanceAgreement(observed, p, float(values[rare].min()) if rare.any() else math.inf, exact)


def _listed(spaces: list[Labels]) -> tuple[Floats, Floats]:
    """Return the agreements of all combinations of two or three partitions in rising order, and how often each occurs.

    Naming tasks anew changes no agreement, so one first partition stands for all with the same sizes of blocks.
    """
    examples, sizes = _shapes(spaces[0])
    tables = [adjusted_rand_table(examples, space) for space in spaces[1:]]
    between = adjusted_rand_table(spaces[1], spaces[2]) if len(spaces) == 3 else None
    counts: dict[float, float] = {}
    for number, size in enumerate(sizes):
        agreements = tables[0][number] if between is None else (tables[0][number][:, None] + tables[1][number][None] + between) / 3
        values, occurrences = np.unique(agreements.round(10), return_counts=True)
        for value, count in zip(values.tolist(), occurrences.tolist(), strict=True):
            counts[value] = counts.get(value, 0.0) + size * count
    ordered = sorted(counts)
    return np.array(ordered), np.array([counts[value] for value in ordered])


def _shapes(space: Labels) -> tuple[Labels, list[int]]:
    """Return a partition for each set of block sizes, and the number of partitions that have it."""
    examples: dict[tuple[int, ...], list[int]] = {}
    for number, row in enumerate(space.tolist()):
        shape = tuple(sorted(row.count(block) for block in set(row)))
        examples.setdefault(shape, []).append(number)
    return space[[numbers[0] for numbers in examples.values()]], [len(numbers) for numbers in examples.values()]


def _drawn(num_tasks: int, blocks: list[int]) -> tuple[Floats, Floats]:
    """Return drawn agreements in rising order, each with the weight 1."""
    is_slow = num_tasks > MOST_LISTED_TASKS or len(blocks) > _MANY_RUNS
    num_draws = _FEW_DRAWS if is_slow else DRAWS
    runs = np.stack([draw_partitions(num_tasks, count, num_draws, "run", number) for number, count in enumerate(blocks)], axis=1)
    at_once = max(1, _MOST_AT_ONCE // len(blocks) ** 2)
    agreements = [_mean_agreements(runs[first : first + at_once]) for first in range(0, num_draws, at_once)]
    return np.sort(np.concatenate(agreements).round(10)), np.ones(num_draws)


def _mean_agreements(labels: Labels) -> Floats:
    """Return the mean adjusted Rand index over pairs of partitions, for each set of them, (n, s, t) -> (n,)."""
    num_runs = labels.shape[1]
    # The table holds every pair twice, and each partition beside itself with an agreement of 1.
    return np.asarray((adjusted_rand_table(labels, labels).sum(axis=(1, 2)) - num_runs) / (num_runs * (num_runs - 1)))
