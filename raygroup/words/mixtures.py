"""A mixture of data sets with relative sampling ratios (Table 1): how probable each is, and what a step draws from it."""

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.config import MIXTURE_WEIGHTINGS, require
from raygroup.randomness import generator


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Data sets to draw from with replacement. Raises ConfigError for a ratio that is no positive number, an empty data set, a name that
    stands twice, and an unknown weighting."""

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    """Items of each data set."""
    ratios: tuple[float, ...]
    weighting: str = "per_sample"
    """``per_sample``: a ratio is that of one item, so a data set weighs its ratio times its size (the released code, and the default of
    the paper's silence); ``per_dataset``: it is that of the data set as a whole, whatever its size. Inside a data set all items are
    alike."""

    def __post_init__(self) -> None:
        require(len(set(self.names)) == len(self.names) > 0, "mixture.names", self.names, "names of data sets, each once")
        for name in ("sizes", "ratios"):
            right = f"one number for each of the {len(self.names)} data sets"
            require(len(getattr(self, name)) == len(self.names), f"mixture.{name}", getattr(self, name), right)
        for name, size, ratio in zip(self.names, self.sizes, self.ratios, strict=True):
            require(size >= 1, f"mixture.sizes['{name}']", size, "a whole number from 1: an empty data set has nothing to draw")
            require(0 < ratio < math.inf, f"mixture.ratios['{name}']", ratio, "a number above 0")
        require(self.weighting in MIXTURE_WEIGHTINGS, "mixture.weighting", self.weighting, "one of " + ", ".join(MIXTURE_WEIGHTINGS))

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """How probable it is that a draw is of each data set, (d,), sums to 1."""
        scaled = np.array(self.ratios, np.float64) / max(self.ratios)
        weights = scaled * np.array(self.sizes, np.float64) if self.weighting == "per_sample" else scaled
        probable: NDArray[np.float64] = weights / weights.sum()
        return probable

    def epochs(self, draws: int) -> NDArray[np.float64]:
        """How often an item of each data set is expected in so many draws, (d,): epochs of that data set."""
        expected: NDArray[np.float64] = draws * self.probabilities / np.array(self.sizes, np.float64)
        return expected

    def draws(self, seed: int, step: int, batch: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """The data sets (batch,) of a step's items and their numbers in them (batch,), the same whatever other steps draw.

        The whole step is drawn here; workers take their shares of it afterwards, so that a world of any size sees the same items.
        Takes time and memory of the batch, whatever the sizes.
        """
        random = generator(seed, "mixture", step)
        ends = np.cumsum(self.probabilities)[:-1]
        datasets = np.searchsorted(ends, random.random(batch), side="right")
        items = random.integers(0, np.array(self.sizes, np.int64)[datasets])
        return datasets, items
