"""Differences over seeds, with Student's interval and a sign-flip test."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raygroup.randomness import generator
from raygroup.tables.score_intervals import seed_interval
from raygroup.tables.stability.permutation import DRAWS, ROUNDING, permutation_p
from raygroup.tables.stability.stability import FEWEST_RUNS

_MOST_FLIPPED = 16
"""Most differences whose signs are flipped in every way: 16 differences have 65,536 ways."""


@dataclass(frozen=True)
class PairedDifference:
    """Later minus earlier, over the seeds that both have."""

    mean: float
    low: float | None
    """Bounds of Student's 95 % interval over seeds. None with one seed."""
    high: float | None
    p: float | None
    """Probability that random signs give a mean as far from 0, on either side. None below six seeds, with which no p reaches 5 %."""
    count: int
    """Number of seeds."""

    def text(self, digits: int, scale: float = 1.0) -> str:
        """Return the mean and its interval, such as ``+1.20 (0.10 to 2.30)``."""
        interval = "" if self.low is None or self.high is None else f" ({scale * self.low:.{digits}f} to {scale * self.high:.{digits}f})"
        return f"{scale * self.mean:+.{digits}f}{interval}"

    def to_json(self) -> dict[str, Any]:
        """Return the numbers as JSON values."""
        return {"mean": self.mean, "low": self.low, "high": self.high, "p": self.p, "seeds": self.count}


def paired_difference(earlier: Mapping[int, float], later: Mapping[int, float]) -> PairedDifference | None:
    """Return later minus earlier. Both map a seed to a value, and only seeds of both count. None if they share none."""
    differences = [later[seed] - earlier[seed] for seed in sorted(earlier.keys() & later.keys())]
    interval = seed_interval(differences)
    if interval is None:
        return None
    p = sign_flip_p(differences) if len(differences) >= FEWEST_RUNS else None
    return PairedDifference(interval.mean, interval.low, interval.high, p, interval.count)


def sign_flip_p(differences: Sequence[float]) -> float:
    """Return the two-sided p of the hypothesis that the mean is 0.

    It is the share of all sign flips whose sum is as far from 0. Above 16 differences, flips are drawn, and the given signs count as one
    more draw.
    """
    values = np.asarray(differences, np.float64)
    count = len(values)
    exact = count <= _MOST_FLIPPED
    flips = (np.arange(2**count)[:, None] >> np.arange(count)) & 1 if exact else generator("signs", count).integers(0, 2, (DRAWS, count))
    sums = np.abs((1 - 2 * flips) @ values)
    reached = int((sums >= abs(values.sum()) - ROUNDING).sum())
    return permutation_p(reached, len(flips), exact=exact)
