"""Import a user's words into a word store.

Usable words are kept. The others are counted, and the first of them are named.
"""

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
from raygroup.images.pixels import decode_gray
from raygroup.words.importing.label_files import SUFFIXES, LabelFile, label_file_in
from raygroup.words.importing.parquet_files import ParquetWords, parquet_files_in
from raygroup.words.importing.report import Report, Tally
from raygroup.words.importing.rows import Listing, interpret_rows
from raygroup.words.word_store import SCHEMA, StoreMetadata, write_word_store

_MISSING = "image missing"
_UNREADABLE = "image unreadable"


@dataclass(frozen=True, kw_only=True)
class UserWords:
    """The words of a data set, all in memory."""

    table: pa.Table
    """Words in the store's schema. Images are unchanged."""
    tasks: tuple[str, ...]
    report: Report


def read_user_words(path: Path, tasks: tuple[str, ...], bad_share: float = 0.05) -> UserWords:
    """Read a user's words into memory.

    ``path`` is a Parquet file, a folder of Parquet files, a label file, or a folder with one. If
    every word names its task, these are the tasks. Otherwise those of ``tasks`` that have a letter
    in a word without a task are added.

    A word is dropped and counted if it has no text, is longer than a decoder reads, has neither a
    task nor a character of one, or if its image is missing or unreadable. Raises ConfigError if
    more than ``bad_share`` of the images are bad, or if the data set cannot be understood.
    """
    intake = _Intake(find_listing(path), tasks, bad_share)
    table = pa.Table.from_batches(intake.batches(), SCHEMA)
    return UserWords(table=table, tasks=intake.rows.tasks, report=intake.tally.report())


def import_user_words(path: Path, tasks: tuple[str, ...], store: Path, fingerprint: str, bad_share: float = 0.05) -> Report:
    """Write a user's words to a word store.

    The words are those of ``read_user_words``. Only some hundred are in memory at a time, so a data
    set may be larger than the memory. The store keeps ``fingerprint``, the hash of the data.
    """
    intake = _Intake(find_listing(path), tasks, bad_share)

    def metadata() -> StoreMetadata:
        return StoreMetadata(fingerprint=fingerprint, tasks=intake.rows.tasks, report=intake.tally.report().to_json())

    write_word_store(store, intake.batches(), metadata)
    return intake.tally.report()


def data_fingerprint(path: Path) -> str:
    """Return the SHA-256 of a data set's content.

    It reads every byte. The path of the data set does not matter.
    """
    return find_listing(path).fingerprint()


def find_listing(path: Path) -> Listing:
    """Return the label file or the Parquet files at a path.

    Raises ConfigError if there are none.
    """
    if path.is_dir():
        parquet = parquet_files_in(path)
        # A label file wins over Parquet files. With neither, label_file_in raises and says what is needed.
        has_labels = not parquet or any((path / f"labels{suffix}").is_file() for suffix in SUFFIXES)
        return label_file_in(path) if has_labels else ParquetWords(parquet[0] if len(parquet) == 1 else path)
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
    """One pass over a data set.

    It reads all rows first, because they are small, and then the images of the usable ones.
    """

    def __init__(self, listing: Listing, tasks: tuple[str, ...], bad_share: float) -> None:
        self.bad_share = bad_share
        self.tally = Tally(listing.name)
        self.rows = interpret_rows(listing, tasks, self.tally)
        self.splits: Counter[str] = Counter()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the words to keep in the store's schema.

        Raises ConfigError as soon as too many images are bad, and at the end if no word is left to
        train on.
        """
        start = 0
        with ThreadPoolExecutor() as pool:
            for images in self.rows.listing.images(self.rows.listed, self.rows.usable):
                places = np.flatnonzero(self.rows.usable[start : start + len(images)])
                readable = np.array([*pool.map(_is_readable, [images[place] for place in places])], np.bool_)
                missing = np.array([images[place] is None for place in places], np.bool_)
                self.tally.drop(_MISSING, start + places[missing], self.rows.place)
                self.tally.drop(_UNREADABLE, start + places[~readable & ~missing], self.rows.place)
                self._stop_if_too_many_are_bad()
                if readable.any():
                    yield self._batch(start, places[readable], images)
                start += len(images)
        self._stop_if_none_is_left()

    def _batch(self, start: int, places: NDArray[np.int64], images: Sequence[bytes | None]) -> pa.RecordBatch:
        words = self.rows.words.slice(start, len(images)).take(pa.array(places))
        self.tally.num_kept += len(places)
        self.splits.update(words["split"].to_pylist())
        columns = [words[name].combine_chunks() for name in SCHEMA.names[1:]]
        return pa.record_batch([pa.array([images[place] for place in places], pa.binary()), *columns], schema=SCHEMA)

    def _stop_if_too_many_are_bad(self) -> None:
        num_bad = self.tally.dropped[_MISSING] + self.tally.dropped[_UNREADABLE]
        total = len(self.rows.usable)
        if num_bad > self.bad_share * total:
            raise ConfigError(
                f"{self.rows.listing.file}: {num_bad} of the images read so far are missing or unreadable, the first "
                f"{self.tally.example((_MISSING, _UNREADABLE))}; at most {self.bad_share:.0%} of {total} may be"
            )

    def _stop_if_none_is_left(self) -> None:
        """Raise ConfigError if no training word is left.

        The lack of unseen words is only a note in the report.
        """
        if not self.splits["train"]:
            report = self.tally.report()
            facts = f"{report.kept} words kept, none of them in train; " + "; ".join(line.strip() for line in report.lines()[1:3])
            raise ConfigError(f"{self.rows.listing.file}: no word to train on among {len(self.rows.usable)}: {facts}")
        if not self.splits["unseen"]:
            self.tally.notes.append("no unseen words to validate on: by itself one word in eleven is; a column 'split' can say which")


def _is_readable(image: bytes | None) -> bool:
    return image is not None and decode_gray(image) is not None
