"""Where words come from: how many each source has to train on, and the rows of a store drawn by a mixture of them."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from raygroup.config import Words
from raygroup.errors import ConfigError
from raygroup.words.importing.importer import listing_of
from raygroup.words.importing.report import Tally
from raygroup.words.importing.rows import understand
from raygroup.words.mixtures import Mixture
from raygroup.words.word_store import WordTable


@dataclass(frozen=True)
class MixedRows:
    """Rows of a store, drawn by a mixture of their sources."""

    mixture: Mixture
    rows: NDArray[np.intp]
    """Those of the first source, then of the second, and so on, each ascending."""

    def drawn(self, seed: int, step: int, batch: int) -> NDArray[np.intp]:
        """The rows of a step, (batch,)."""
        starts = np.cumsum([0, *self.mixture.sizes[:-1]])
        datasets, items = self.mixture.draws(seed, step, batch)
        return self.rows[starts[datasets] + items]


def mixture_of(words: Words, sizes: Mapping[str, int]) -> Mixture:
    """The mixture of these settings over sources with so many words to train on each.

    Raises ConfigError naming the sources there are where one of the ratios has no words, or words have no ratio.
    """
    there_are = f"the words to train on are of: {', '.join(sorted(sizes)) or 'no source'}"
    for name, ratio in words.mixture:
        if name not in sizes:
            raise ConfigError(f"words.mixture['{name}'] is {ratio:g}, but no word has this source; {there_are}")
    names = [name for name, _ in words.mixture]
    for name in sorted(sizes.keys() - set(names)):
        raise ConfigError(f"words.mixture has no ratio for '{name}', of {sizes[name]} words: it must have one for each source; {there_are}")
    ratios = tuple(ratio for _, ratio in words.mixture)
    return Mixture(names=tuple(names), sizes=tuple(sizes[name] for name in names), ratios=ratios, weighting=words.mixture_weighting)


def mixed_rows(table: WordTable, words: Words) -> MixedRows | None:
    """The rows of a store to train on by the mixture of these settings; None where they have none. Raises what ``mixture_of`` does."""
    if not words.mixture:
        return None
    mixture = mixture_of(words, stored_sources(table))
    train = table.rows_of("train")
    return MixedRows(mixture, train[np.argsort(table.source_numbers(mixture.names)[train], kind="stable")])


def stored_sources(table: WordTable) -> dict[str, int]:
    """Source -> words of a store to train on."""
    names = tuple(table.columns["source"].unique().to_pylist())
    counts = np.bincount(table.source_numbers(names)[table.rows_of("train")], minlength=len(names))
    return {name: int(count) for name, count in zip(names, counts, strict=True) if count}


def listed_sources(path: Path, tasks: tuple[str, ...]) -> dict[str, int]:
    """Source -> words to train on of a data set that is no store yet; those whose images prove unreadable are still counted."""
    listing = listing_of(path)
    rows = understand(listing, tasks, Tally(listing.name))
    train = rows.understood["source"].filter(pc.and_(rows.wanted, pc.equal(rows.understood["split"], "train")))
    counted = train.value_counts()
    return dict(zip(counted.field("values").to_pylist(), counted.field("counts").to_pylist(), strict=True))
