"""Mean and spread of a number over seeds."""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over seeds."""

    mean: float
    sd: float
    """nan for one seed."""
    count: int

    @staticmethod
    def of(values: Iterable[float]) -> "Spread":
        """Return the spread of these values, at least one."""
        numbers = list(values)
        return Spread(statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else float("nan"), len(numbers))
