"""The rows that a reader of words lists, and what all readers share."""

from collections.abc import Callable, Sequence
from typing import NamedTuple

import pyarrow as pa

from raygroup.errors import ConfigError

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


def ignore_progress(name: str, done: int, total: int) -> None:
    """Report nothing."""


def progress_over(num_rows: int, progress: ReportProgress) -> ReportProgress:
    """Return the callback for work on so many rows. It reports nothing if they are few."""
    return progress if num_rows >= MANY_ROWS else ignore_progress


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
