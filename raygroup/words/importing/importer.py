"""The user's own words, brought to the schema of the word store: what is usable is kept, what is not is named and counted."""

import os
from collections import Counter
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.words.crops import decode_gray
from raygroup.words.importing.label_files import SUFFIXES, LabelFile, label_file_in
from raygroup.words.importing.parquet_files import ParquetWords, parquet_files_in
from raygroup.words.importing.report import Report, Tally
from raygroup.words.importing.rows import Listing, understand
from raygroup.words.word_store import SCHEMA, Metadata, write_words

_MISSING, _UNREADABLE = "image missing", "image unreadable"


@dataclass(frozen=True, kw_only=True)
class GivenWords:
    """The words of a data set, all in memory."""

    table: pa.Table
    """In the store's schema, the images as they came."""
    tasks: tuple[str, ...]
    report: Report


def read_given(path: Path, tasks: tuple[str, ...], bad_share: float = 0.05) -> GivenWords:
    """The words of a Parquet file or a folder of them, of a folder with a label file, or of a label file.

    Tasks are those the data set names where every word has one, else also those of the ``tasks`` asked for that have a letter in a
    word. Words without a text, longer than a decoder reads, or without a task and a character of any, and words whose image is missing
    or unreadable, are dropped and counted; a larger share of bad images than ``bad_share``, and everything that cannot be understood,
    raises ConfigError.
    """
    intake = _Intake(listing_of(path), tasks, bad_share)
    table = pa.Table.from_batches(intake.batches(), SCHEMA)
    return GivenWords(table=table, tasks=intake.rows.tasks, report=intake.tally.report())


def store_given(path: Path, tasks: tuple[str, ...], store: Path, fingerprint: str, bad_share: float = 0.05) -> Report:
    """``read_given`` into a word store, some hundred words at a time, for data sets larger than the memory; ``fingerprint`` is that of
    the data, which the store keeps."""
    intake = _Intake(listing_of(path), tasks, bad_share)

    def metadata() -> Metadata:
        return Metadata(fingerprint=fingerprint, tasks=intake.rows.tasks, report=intake.tally.report().to_json())

    write_words(store, intake.batches(), metadata)
    return intake.tally.report()


def data_fingerprint(path: Path) -> str:
    """SHA-256 of a data set's content, the same wherever it lies; reads every byte of it."""
    return listing_of(path).fingerprint()


def listing_of(path: Path) -> Listing:
    """Which kind of data set a path is; raises ConfigError where it is none."""
    if path.is_dir():
        parquet = parquet_files_in(path)
        labelled = not parquet or any((path / f"labels{suffix}").is_file() for suffix in SUFFIXES)
        return label_file_in(path) if labelled else ParquetWords(parquet[0] if len(parquet) == 1 else path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file or folder")
    if not os.access(path, os.R_OK):
        raise ConfigError(f"{path}: no permission to read it")
    if path.suffix.lower() in SUFFIXES:
        return LabelFile(path)
    if path.suffix.lower() == ".parquet":
        return ParquetWords(path)
    raise ConfigError(f"{path}: must be a .parquet file, a label file ({', '.join(SUFFIXES)}), or a folder with one or with Parquet files")


class _Intake:
    """One pass over a data set: the rows first, since they are small, then the images of those that have a text."""

    def __init__(self, listing: Listing, tasks: tuple[str, ...], bad_share: float) -> None:
        self.bad_share = bad_share
        self.tally = Tally(listing.name)
        self.rows = understand(listing, tasks, self.tally)
        self.splits: Counter[str] = Counter()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """The kept words in the store's schema; raises ConfigError as soon as too many images are bad, and where no word is left."""
        start = 0
        with ThreadPoolExecutor() as pool:
            for images in self.rows.listing.images(self.rows.own, self.rows.wanted):
                wanted = np.flatnonzero(self.rows.wanted[start : start + len(images)])
                readable = np.array([*pool.map(_is_readable, [images[place] for place in wanted])], np.bool_)
                missing = np.array([images[place] is None for place in wanted], np.bool_)
                self.tally.drop(_MISSING, start + wanted[missing], self.rows.place)
                self.tally.drop(_UNREADABLE, start + wanted[~readable & ~missing], self.rows.place)
                self._stop_if_too_many_are_bad()
                if readable.any():
                    yield self._batch(start, wanted[readable], images)
                start += len(images)
        self._stop_if_none_is_left()

    def _batch(self, start: int, places: NDArray[np.int64], images: Sequence[bytes | None]) -> pa.RecordBatch:
        words = self.rows.understood.slice(start, len(images)).take(pa.array(places))
        self.tally.kept += len(places)
        self.splits.update(words["split"].to_pylist())
        taken = [words[name].combine_chunks() for name in SCHEMA.names[1:]]
        return pa.record_batch([pa.array([images[place] for place in places], pa.binary()), *taken], schema=SCHEMA)

    def _stop_if_too_many_are_bad(self) -> None:
        bad, total = self.tally.dropped[_MISSING] + self.tally.dropped[_UNREADABLE], len(self.rows.wanted)
        if bad > self.bad_share * total:
            raise ConfigError(
                f"{self.rows.listing.file}: {bad} of the images looked at so far are missing or unreadable, the first "
                f"{self.tally.example((_MISSING, _UNREADABLE))}; at most {self.bad_share:.0%} of {total} may be"
            )

    def _stop_if_none_is_left(self) -> None:
        if not self.splits["train"]:
            report = self.tally.report()
            why = f"{report.kept} words kept, none of them in train; " + "; ".join(line.strip() for line in report.lines()[1:3])
            raise ConfigError(f"{self.rows.listing.file}: no word to train on among {len(self.rows.wanted)}: {why}")
        if not self.splits["unseen"]:
            self.tally.notes.append("no unseen words to validate on: by itself one word in eleven is; a column 'split' can say which")


def _is_readable(image: bytes | None) -> bool:
    return image is not None and decode_gray(image) is not None
