"""The rows that a reader of words lists, and what all readers share."""

from collections.abc import Callable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple, Protocol

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.words.importing.image_files import NoImage

OPTIONAL = ("task", "split", "source")

ReportProgress = Callable[[str, int, int], None]
"""Takes the name of the work, the number of finished items, and the number of all items."""

MANY_ROWS = 20_000
"""A data set of fewer rows is read before anybody could look at its progress."""

_LIKELY_MEANINGS = {
    **dict.fromkeys(("language", "languages", "lang", "locale", "script", "tasks", "label_language"), "task"),
    **dict.fromkeys(("set", "subset", "partition", "fold", "splits"), "split"),
    **dict.fromkeys(("dataset", "data_set", "sources"), "source"),
}


class ListedRows(NamedTuple):
    """The rows of a data set, without images."""

    table: pa.Table
    """``text`` and the optional columns. An optional value is null if it is empty or absent."""
    columns: frozenset[str]
    """The names of all columns in the data set."""
    notes: tuple[str, ...] = ()
    """What a user should know about the reading, such as files that are passed over."""


def ignore_progress(name: str, done: int, total: int) -> None:
    """Report nothing."""


def progress_over(num_rows: int, progress: ReportProgress) -> ReportProgress:
    """Return the callback for work on so many rows. It reports nothing if they are few."""
    return progress if num_rows >= MANY_ROWS else ignore_progress


class Listing(Protocol):
    """The words of a data set: first all rows, then the images of the rows to keep."""

    @property
    def file(self) -> Path:
        """Return the file or folder that errors name."""

    @property
    def root(self) -> Path:
        """Return the folder to which places are relative."""

    @property
    def name(self) -> str:
        """Return the name of the data set, the source of words that name none."""

    def rows(self, progress: ReportProgress = ignore_progress) -> ListedRows:
        """Return the rows.

        ``text`` and the optional columns are there. Raises ConfigError with file and line for
        content that cannot be understood.
        """

    def place(self, rows: pa.Table, row: int) -> str:
        """Return the place of a row, such as file, line and image."""

    def image_keys(self, rows: pa.Table) -> pa.Array | None:
        """Return a text for each row that is equal for rows of one image, or None if rows name no images.

        With keys, the rows have the column ``line``.
        """

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | NoImage | None]]:
        """Yield the bytes of every row's image in blocks of some hundred rows. A row that is not wanted has None."""

    def fingerprint(self, progress: ReportProgress = ignore_progress) -> str:
        """Return the SHA-256 of labels and images. It does not depend on the path of the data set."""


def unused_columns(columns: frozenset[str]) -> list[str]:
    """Return a note on each column that is not used, but looks like an optional one that is absent."""
    meanings = {name: _LIKELY_MEANINGS.get(name.strip().casefold(), "") for name in sorted(columns)}
    absent = {name: meaning for name, meaning in meanings.items() if meaning and meaning not in columns}
    return [f"column {name!r} is not used; did you mean {meaning!r}?" for name, meaning in absent.items()]


def missing_column(place: object, missing: Sequence[str], present: Sequence[str], needed: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"{place}: no column {' or '.join(map(repr, missing))}; found: {', '.join(present)[:100] or 'none'}; "
        f"needed: {', '.join(needed)}; optional: {', '.join(OPTIONAL)}"
    )
