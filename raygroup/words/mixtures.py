"""Draw training words from several sources by sampling ratio (Table 1)."""

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from raygroup.config import Words
from raygroup.config_sections import require
from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.settings.words import MIXTURE_WEIGHTINGS
from raygroup.words.word_store import WordStore


@dataclass(frozen=True, kw_only=True)
class Mixture:
    """Data sets to draw from with replacement.

    Raises ConfigError if a ratio is not a positive number, a data set is empty, a name occurs
    twice, or the weighting is unknown.
    """

    names: tuple[str, ...]
    sizes: tuple[int, ...]
    """Number of items in each data set."""
    ratios: tuple[float, ...]
    weighting: str = "per_sample"
    """The unit that a ratio applies to.

    ``per_sample``: one item, so a data set weighs its ratio times its size. The released code does
    this, and it is the default because the paper does not say. ``per_dataset``: the data set as a
    whole, whatever its size. Both draw the items of one data set uniformly.
    """

    def __post_init__(self) -> None:
        require(len(set(self.names)) == len(self.names) > 0, "mixture.names", self.names, "names of data sets, each once")
        for field in ("sizes", "ratios"):
            rule = f"one number for each of the {len(self.names)} data sets"
            require(len(getattr(self, field)) == len(self.names), f"mixture.{field}", getattr(self, field), rule)
        for name, size, ratio in zip(self.names, self.sizes, self.ratios, strict=True):
            require(size >= 1, f"mixture.sizes['{name}']", size, "a whole number from 1: an empty data set has nothing to draw")
            require(0 < ratio < math.inf, f"mixture.ratios['{name}']", ratio, "a number above 0")
        require(self.weighting in MIXTURE_WEIGHTINGS, "mixture.weighting", self.weighting, "one of " + ", ".join(MIXTURE_WEIGHTINGS))

    @property
    def probabilities(self) -> NDArray[np.float64]:
        """Return each data set's probability in a draw, (d,), summing to 1."""
        # Divide by the largest ratio first: ratio times size must not overflow.
        scaled = np.array(self.ratios, np.float64) / max(self.ratios)
        weights = scaled * np.array(self.sizes, np.float64) if self.weighting == "per_sample" else scaled
        probabilities: NDArray[np.float64] = weights / weights.sum()
        return probabilities

    def epochs(self, num_draws: int) -> NDArray[np.float64]:
        """Return how often ``num_draws`` draws are expected to visit each item, (d,)."""
        expected: NDArray[np.float64] = num_draws * self.probabilities / np.array(self.sizes, np.float64)
        return expected

    def draws(self, seed: int, step: int, batch: int) -> tuple[NDArray[np.intp], NDArray[np.int64]]:
        """Draw the items of one step.

        Returns the data set of each item and its number there, (batch,) each. The result depends on
        seed and step alone, not on what other steps draw. It covers the whole step: workers take
        their shares afterwards, so any number of workers sees the same items. Time and memory grow
        with the batch, not with the sizes.
        """
        random = generator(seed, "mixture", step)
        ends = np.cumsum(self.probabilities)[:-1]
        datasets = np.searchsorted(ends, random.random(batch), side="right")
        items = random.integers(0, np.array(self.sizes, np.int64)[datasets])
        return datasets, items


@dataclass(frozen=True)
class MixedRows:
    """Rows of a word store, drawn by a mixture of their sources."""

    mixture: Mixture
    rows: NDArray[np.intp]
    """Rows of the first source, then of the second, and so on; ascending within a source."""

    def draw_rows(self, seed: int, step: int, batch: int) -> NDArray[np.intp]:
        """Draw the rows of one step, (batch,)."""
        starts = np.cumsum([0, *self.mixture.sizes[:-1]])
        datasets, items = self.mixture.draws(seed, step, batch)
        return self.rows[starts[datasets] + items]


def mixture_of(words: Words, sizes: Mapping[str, int]) -> Mixture:
    """Return the mixture that the settings define over these sources.

    ``sizes`` maps each source to its number of training words. Sources of ratio 0 are left out. Raises
    ConfigError if a ratio above 0 names a source without words, or if a source has no ratio. The message
    lists the sources.
    """
    sources = f"the words to train on are of: {', '.join(sorted(sizes)) or 'no source'}"
    for name, ratio in words.mixture:
        if ratio > 0 and name not in sizes:
            raise ConfigError(f"words.mixture['{name}'] is {ratio:g}, but no word has this source; {sources}")
    for name in sorted(sizes.keys() - {name for name, _ in words.mixture}):
        raise ConfigError(f"words.mixture has no ratio for '{name}', of {sizes[name]} words: give one ratio for each source; {sources}")
    drawn = {name: ratio for name, ratio in words.mixture if ratio > 0}
    sizes_drawn = tuple(sizes[name] for name in drawn)
    return Mixture(names=tuple(drawn), sizes=sizes_drawn, ratios=tuple(drawn.values()), weighting=words.mixture_weighting)


def mixed_rows(store: WordStore, words: Words) -> MixedRows | None:
    """Return a store's training rows, to be drawn by source.

    Returns None if the settings define no mixture. Raises ConfigError like ``mixture_of``.
    """
    if not words.mixture:
        return None
    mixture = mixture_of(words, stored_sources(store))
    numbers, train = store.source_numbers(mixture.names), store.rows_of("train")
    drawn = train[numbers[train] >= 0]
    return MixedRows(mixture, drawn[np.argsort(numbers[drawn], kind="stable")])


def mixed_words(words: Words, sources: Sequence[str]) -> MixedRows | None:
    """Return words with these sources, to be drawn by source. A row is the place of a word.

    Returns None if the settings define no mixture. Raises ConfigError like ``mixture_of``.
    """
    if not words.mixture:
        return None
    mixture = mixture_of(words, Counter(sources))
    names = np.array(sources)
    return MixedRows(mixture, np.concatenate([np.flatnonzero(names == name) for name in mixture.names]))


def stored_sources(store: WordStore) -> dict[str, int]:
    """Count the training words of each source in a store."""
    names = tuple(store.columns["source"].unique().to_pylist())
    counts = np.bincount(store.source_numbers(names)[store.rows_of("train")], minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def listed_sources(path: Path, tasks: tuple[str, ...]) -> dict[str, int]:
    """Count the training words of each source in a data set.

    It reads the labels alone. A word whose image later proves unreadable still counts.
    """
    # Drawing from a mixture needs none of these, which load OpenCV.
    from raygroup.words.importing.formats.detection import find_listing
    from raygroup.words.importing.report import Tally
    from raygroup.words.importing.rows import interpret_rows

    listing = find_listing(path)
    rows = interpret_rows(listing, tasks, Tally(listing.name))
    train = rows.words["source"].filter(pc.and_(rows.usable, pc.equal(rows.words["split"], "train")))
    counts = train.value_counts()
    return dict(zip(counts.field("values").to_pylist(), counts.field("counts").to_pylist(), strict=True))
