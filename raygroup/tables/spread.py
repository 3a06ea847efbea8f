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

    def text(self, digits: int = 1) -> str:
        """Return mean and deviation, such as ``3.4±1.1``. One seed has no deviation."""
        mean = f"{self.mean:.{digits}f}"
        return f"{mean}±{self.sd:.{digits}f}" if self.count > 1 else mean

    def to_json(self) -> dict[str, float | None]:
        """Return the numbers as JSON values. The deviation of one seed is null."""
        return {"mean": self.mean, "sd": self.sd if self.count > 1 else None, "seeds": self.count}

    @staticmethod
    def of(values: Iterable[float]) -> "Spread":
        """Return the spread of these values, at least one."""
        numbers = list(values)
        return Spread(statistics.fmean(numbers), statistics.stdev(numbers) if len(numbers) > 1 else float("nan"), len(numbers))
