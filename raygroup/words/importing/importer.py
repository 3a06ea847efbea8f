"""Import a user's words into a word store.

Usable words are kept. The others are counted, and the first of them are named.
"""

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError, ImageError
from raygroup.images.pixels import decode_gray
from raygroup.values import BAD_SHARE
from raygroup.words.importing.bad_share import require_few_lost
from raygroup.words.importing.formats.detection import find_listing
from raygroup.words.importing.image_files import NoImage
from raygroup.words.importing.listed_rows import Listing, ReportProgress, ignore_progress, progress_over
from raygroup.words.importing.reasons import MISSING, UNREADABLE
from raygroup.words.importing.report import Report, Tally
from raygroup.words.importing.rows import interpret_rows
from raygroup.words.word_store import SCHEMA, StoreMetadata, write_word_store


@dataclass(frozen=True, kw_only=True)
class UserWords:
    """The words of a data set, all in memory."""

    table: pa.Table
    """Words in the store's schema. Images are unchanged."""
    tasks: tuple[str, ...]
    report: Report


def read_user_words(
    path: Path, tasks: tuple[str, ...], bad_share: float = BAD_SHARE, progress: ReportProgress = ignore_progress
) -> UserWords:
    """Read a user's words into memory.

    ``path`` is what ``find_listing`` takes, such as a Parquet file or a folder with a label file. If
    every word names its task, these are the tasks. Otherwise those of ``tasks`` that have a letter
    in a word without a task are added, and so are the tasks of scripts that no task knows.

    A word is dropped and counted if it has no text, is a don't-care mark, has a control character,
    is longer than a decoder reads, has neither a task nor a character of one, repeats or contradicts
    another row of its image, or if its image is missing or unreadable.

    Raises ConfigError if more than ``bad_share`` of the words are dropped, don't-care marks and
    repeated rows not counted, or if the data set cannot be understood.
    """
    intake = _Intake(find_listing(path), tasks, bad_share, progress)
    table = pa.Table.from_batches(intake.batches(), SCHEMA)
    return UserWords(table=table, tasks=intake.rows.tasks, report=intake.tally.report())


def import_user_words(
    path: Path,
    tasks: tuple[str, ...],
    store: Path,
    fingerprint: str,
    bad_share: float = BAD_SHARE,
    progress: ReportProgress = ignore_progress,
) -> Report:
    """Write a user's words to a word store.

    The words are those of ``read_user_words``. Only some hundred are in memory at a time, so a data
    set may be larger than the memory. The store keeps ``fingerprint``, the hash of the data.
    """
    intake = _Intake(find_listing(path), tasks, bad_share, progress)

    def metadata() -> StoreMetadata:
        return StoreMetadata(fingerprint=fingerprint, tasks=intake.rows.tasks, report=intake.tally.report().to_json())

    write_word_store(store, intake.batches(), metadata)
    return intake.tally.report()


def data_fingerprint(path: Path, progress: ReportProgress = ignore_progress) -> str:
    """Return the SHA-256 of a data set's content.

    It reads every byte. The path of the data set does not matter.
    """
    return find_listing(path).fingerprint(progress)


class _Intake:
    """One pass over a data set.

    It reads all rows first, because they are small, and then the images of the usable ones.
    """

    def __init__(self, listing: Listing, tasks: tuple[str, ...], bad_share: float, progress: ReportProgress) -> None:
        self.bad_share = bad_share
        self.tally = Tally(listing.name)
        self.rows = interpret_rows(listing, tasks, self.tally, progress)
        self._stop_if_too_many_are_lost()
        self.progress = progress_over(len(self.rows.usable), progress)
        self.splits: Counter[str] = Counter()

    def batches(self) -> Iterator[pa.RecordBatch]:
        """Yield the words to keep in the store's schema.

        Raises ConfigError as soon as too many words are lost, and at the end if no word is left to
        train on.
        """
        start, total = 0, len(self.rows.usable)
        with ThreadPoolExecutor() as pool:
            for images in self.rows.listing.images(self.rows.listed, self.rows.usable):
                places = np.flatnonzero(self.rows.usable[start : start + len(images)])
                faults = [*pool.map(_fault, [images[place] for place in places])]
                self._drop(start + places, faults)
                self._stop_if_too_many_are_lost()
                is_readable = np.array([fault is None for fault in faults], np.bool_)
                if is_readable.any():
                    yield self._batch(start, places[is_readable], images)
                start += len(images)
                self.progress("images of words read", start, total)
        self._stop_if_none_is_left()

    def _drop(self, rows: NDArray[np.int64], faults: Sequence[NoImage | None]) -> None:
        fault_of = {int(row): fault for row, fault in zip(rows, faults, strict=True) if fault is not None}
        for row, fault in fault_of.items():
            self.tally.drop(fault.reason, [row], self._place_with_fault(fault))

    def _place_with_fault(self, fault: NoImage) -> Callable[[int], str]:
        return lambda row: self.rows.place(row) + (f" ({fault.why})" if fault.why else "")

    def _batch(self, start: int, places: NDArray[np.int64], images: Sequence[bytes | NoImage | None]) -> pa.RecordBatch:
        words = self.rows.words.slice(start, len(images)).take(pa.array(places))
        self.tally.keep((start + places).tolist(), words["label"].to_pylist())
        self.splits.update(words["split"].to_pylist())
        columns = [words[name].combine_chunks() for name in SCHEMA.names[1:]]
        return pa.record_batch([pa.array([images[place] for place in places], pa.binary()), *columns], schema=SCHEMA)

    def _stop_if_too_many_are_lost(self) -> None:
        listing, listed = self.rows.listing, self.rows.listed
        require_few_lost(listing.file, listed.num_rows, self.tally.dropped, self.bad_share, self.tally.example)

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


def _fault(image: bytes | NoImage | None) -> NoImage | None:
    """Return why an image cannot be used, or None."""
    if not isinstance(image, bytes):
        return image or NoImage(MISSING)
    try:
        gray = decode_gray(image)
    except ImageError as error:
        return NoImage(UNREADABLE, str(error))
    return NoImage(UNREADABLE, "without contrast: all its pixels are alike") if gray.min() == gray.max() else None
