"""The 95 % interval of a mean score over words.

It is Wilson's interval for the mean of scores between 0 and 1. Exact match is 0 or 1, so this is the usual interval of a share.
1-NED lies between, and spreads less. Its words count as more: as many as 0-or-1 scores of the same mean would need for the same
variance (the effective sample size of Korn and Graubard, 1998).

It says how much other words of the same kind would change the mean. It says nothing about other seeds.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

_NORMAL = 1.959963984540054
"""The 97.5 % quantile of the normal distribution."""
_NO_SPREAD = 1e-12
"""A variance below this share of the largest one is rounding."""


@dataclass(frozen=True)
class WordInterval:
    """A mean over words with its 95 % interval. Without words all three are nan."""

    mean: float
    low: float
    high: float


def word_interval(scores: Sequence[float]) -> WordInterval:
    """Return the mean of scores from 0 to 1, and its interval. Raises ValueError for scores outside."""
    count = len(scores)
    if not count:
        return WordInterval(math.nan, math.nan, math.nan)
    if not all(0 <= score <= 1 for score in scores):
        raise ValueError(f"scores must lie from 0 to 1, not {min(scores)} to {max(scores)}")
    mean = math.fsum(scores) / count
    size = _effective_size(scores, mean)
    square = _NORMAL**2
    centre = (mean + square / (2 * size)) / (1 + square / size)
    half = _NORMAL * math.sqrt(mean * (1 - mean) / size + square / (4 * size * size)) / (1 + square / size)
    return WordInterval(mean, max(0.0, min(mean, centre - half)), min(1.0, max(mean, centre + half)))


def mean_interval(intervals: Sequence[WordInterval]) -> WordInterval:
    """Return the mean of independent means, each counting the same, and its interval. Without any it is nan.

    The distances from each mean to its limits add in squares (Zou and Donner, 2008). So the interval has a width even where all words
    are read.
    """
    count = len(intervals)
    if not count:
        return WordInterval(math.nan, math.nan, math.nan)
    mean = math.fsum(interval.mean for interval in intervals) / count
    below = math.hypot(*(interval.mean - interval.low for interval in intervals)) / count
    above = math.hypot(*(interval.high - interval.mean for interval in intervals)) / count
    return WordInterval(mean, max(0.0, mean - below), min(1.0, mean + above))


def _effective_size(scores: Sequence[float], mean: float) -> float:
    """Return the number of 0-or-1 scores with the same mean whose mean varies as much. It is never below the number of words."""
    variance = math.fsum((score - mean) ** 2 for score in scores) / len(scores)
    largest = mean * (1 - mean)
    if variance <= _NO_SPREAD * largest:
        return len(scores)  # all words score alike, which says nothing about the spread
    return len(scores) * max(1.0, largest / variance)
