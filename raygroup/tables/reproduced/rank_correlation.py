"""Spearman's rank correlation with an exact permutation test."""

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.randomness import generator
from raygroup.tables.score_intervals import normal_quantile
from raygroup.tables.stability.permutation import DRAWS, ROUNDING, permutation_p

_MOST_LISTED = 8
"""Most values whose orders are listed: 8 values have 40,320 orders."""


@dataclass(frozen=True)
class RankCorrelation:
    """Spearman's rho of some pairs of numbers."""

    rho: float
    p: float
    """Probability that a random order has a rho as far from 0, on either side."""
    exact: bool
    """True if all orders were listed, False if they were drawn."""
    low: float | None
    """Bounds of the 95 % interval by Fisher's transform (Bonett and Wright, 2000). It is rough for few pairs. None for fewer than four
    pairs, and if rho is 1 or -1."""
    high: float | None
    count: int
    """Number of pairs."""

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        return {"rho": self.rho, "p": self.p, "exact": self.exact, "low": self.low, "high": self.high, "pairs": self.count}


def rank_correlation(one: Sequence[float], other: Sequence[float]) -> RankCorrelation | None:
    """Return Spearman's rho. Equal values share their mean rank. None if there are fewer than three pairs, or one side never varies."""
    first, second = _centred_ranks(one), _centred_ranks(other)
    scale = math.sqrt(float((first**2).sum()) * float((second**2).sum()))
    count = len(first)
    if count < 3 or scale == 0:
        return None
    rho = float(first @ second) / scale
    exact = count <= _MOST_LISTED
    orders = np.array(list(itertools.permutations(range(count)))) if exact else _drawn_orders(count)
    reached = int((np.abs(second[orders] @ first) / scale >= abs(rho) - ROUNDING).sum())
    p = permutation_p(reached, len(orders), exact=exact)
    low, high = _interval(rho, count)
    return RankCorrelation(rho, p, exact, low, high, count)


def _centred_ranks(values: Sequence[float]) -> NDArray[np.float64]:
    numbers = np.asarray(values, np.float64)
    below = (numbers[None] < numbers[:, None]).sum(axis=1)
    equal = (numbers[None] == numbers[:, None]).sum(axis=1)
    ranks = below + (equal + 1) / 2
    return np.asarray(ranks - ranks.mean() if len(ranks) else ranks)


def _drawn_orders(count: int) -> NDArray[np.int64]:
    draws = generator("orders", count)
    return np.array([draws.permutation(count) for _ in range(DRAWS)])


def _interval(rho: float, count: int) -> tuple[float, float] | tuple[None, None]:
    if count < 4 or abs(rho) > 1 - ROUNDING:
        return None, None
    half = normal_quantile() * math.sqrt((1 + rho**2 / 2) / (count - 3))
    return math.tanh(math.atanh(rho) - half), math.tanh(math.atanh(rho) + half)
