"""What the rows of a user's data set say: their labels, tasks and splits, and which of them have a text that can be read."""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.tasks import TASKS, by_paper_order
from raygroup.words.coverage import spelled_by_any, spelled_by_none, supports_of
from raygroup.words.importing.label_files import LabelFile
from raygroup.words.importing.parquet_files import ParquetWords
from raygroup.words.importing.report import Tally
from raygroup.words.label_conflicts import contradiction_counts, contradiction_lines
from raygroup.words.labels import LONGEST, count_changes, normalise
from raygroup.words.word_store import SPLITS, split_of

Listing = LabelFile | ParquetWords

_AT_A_TIME = 65536
_TASK_NAME = re.compile(r"[\w.-]+")


@dataclass(frozen=True)
class GivenRows:
    """The rows of a listing, as they were understood."""

    listing: Listing
    own: pa.Table
    """As listed."""
    understood: pa.Table
    """``text``, ``label``, ``task``, ``source``, ``split``: the store's schema but for the image."""
    tasks: tuple[str, ...]
    wanted: NDArray[np.bool_]
    """Which rows can be read: a text, not too long, and a task or a character that at least one task can spell."""

    def place(self, row: int) -> str:
        return self.listing.place(self.own, row)


def understand(listing: Listing, asked: tuple[str, ...], tally: Tally) -> GivenRows:
    """Read a listing's rows; count in the tally what is dropped and changed; raise ConfigError for a task or a split that is none.

    Tasks: those the rows name; where some row names none also the ``asked`` ones, if a word without a task has one of their letters.
    Splits: the column, else ``split_of``.
    """
    own = listing.rows()
    labels = _labels(own["text"], tally)
    columns = {
        "text": own["text"],
        "label": labels,
        "task": own["task"],
        "source": own["source"].fill_null(listing.name),
        "split": _splits(listing, own, labels, tally),
    }
    tasks = _tasks(listing, own, asked)
    rows = GivenRows(listing, own, pa.table(columns), tasks, np.ones(own.num_rows, np.bool_))
    _drop_what_cannot_be_read(rows, tally)
    _count_contradictions(rows, tally)
    return replace(rows, tasks=_held(rows, tally))


def _labels(texts: pa.ChunkedArray, tally: Tally) -> pa.ChunkedArray:
    labels = []
    for start in range(0, len(texts), _AT_A_TIME):
        block = texts.slice(start, _AT_A_TIME).fill_null("").to_pylist()
        tally.changed.update(count_changes(block))
        labels.append(pa.array([*map(normalise, block)], pa.string()))
    return pa.chunked_array(labels, pa.string())


def _tasks(listing: Listing, own: pa.Table, asked: tuple[str, ...]) -> tuple[str, ...]:
    names = own["task"].unique().to_pylist()
    named = {name for name in names if name is not None}
    complete = own.num_rows > 0 and None not in names
    rule = "made of letters, digits, '_', '.' and '-'" if complete else f"one of {', '.join(TASKS)}, since some words have no task"
    for name in sorted(named - TASKS.keys()):
        if not (complete and _TASK_NAME.fullmatch(name)):
            raise ConfigError(f"{_first(listing, own, 'task', name)}: task is {name!r}: it must be {rule}")
    return by_paper_order(named if complete else named | set(asked))


def _splits(listing: Listing, own: pa.Table, labels: pa.ChunkedArray, tally: Tally) -> pa.ChunkedArray:
    given = own["split"]
    if given.null_count == len(given):
        return pa.chunked_array([[split_of(label) for label in chunk.to_pylist()] for chunk in labels.chunks], pa.string())
    for name in given.unique().to_pylist():
        if name not in SPLITS:
            rule = f"one of {', '.join(SPLITS)}, or the column left out"
            raise ConfigError(f"{_first(listing, own, 'split', name)}: split is {name or ''!r}: it must be {rule}")
    train, unseen = (set(labels.filter(pc.equal(given, name)).unique().to_pylist()) for name in ("train", "unseen"))
    if both := train & unseen:
        tally.notes.append(f"labels both in train and in unseen: {len(both)}, such as {min(both)!r}; training sees these words")
    return given


def _first(listing: Listing, own: pa.Table, column: str, value: str | None) -> str:
    row = pc.index(own[column].fill_null(""), value or "").as_py()
    return f"{listing.file.parent / listing.place(own, row)}"


def _drop_what_cannot_be_read(rows: GivenRows, tally: Tally) -> None:
    """Characters tell the task of a word that names none; a word that names its task may be written in any."""
    supports = supports_of(rows.tasks)
    own_tasks_only = TASKS.keys() >= set(rows.tasks)
    for start, labels, sources, named in _blocks(rows.understood):
        lengths = np.array([*map(len, labels)], np.int64)
        unreadable = {
            "no text": lengths == 0,
            f"longer than {LONGEST} characters": lengths > LONGEST,
            "no character of any task": ~(named | spelled_by_any(labels, supports)),
        }
        wanted = rows.wanted[start : start + len(labels)]
        for why, found in unreadable.items():
            tally.drop(why, start + np.flatnonzero(wanted & found), rows.place)
            wanted &= ~found
        if own_tasks_only:
            _count_unspelled(labels, sources, set(spelled_by_none(labels, supports)), tally)


def _count_contradictions(rows: GivenRows, tally: Tally) -> None:
    """Such words are kept: which of the two is right cannot be known here."""
    counts: Counter[tuple[str, str]] = Counter()
    kept = rows.understood.select(["label", "task"]).filter(pa.array(rows.wanted & rows.understood["task"].is_valid().to_numpy()))
    for start in range(0, kept.num_rows, _AT_A_TIME):
        block = kept.slice(start, _AT_A_TIME)
        counts.update(contradiction_counts(block["label"].to_pylist(), block["task"].to_pylist()))
    tally.notes += contradiction_lines(counts)


def _held(rows: GivenRows, tally: Tally) -> tuple[str, ...]:
    """The tasks that some kept word can belong to, or all where none is: any other would fill the heads' quotas of Eq. (9) for nothing."""
    kept = rows.understood.select(["label", "task"]).filter(pa.array(rows.wanted))
    named = set(kept["task"].drop_null().unique().to_pylist())
    characters = set().union(*kept["label"].filter(kept["task"].is_null()).unique().to_pylist())
    empty = [name for name in rows.tasks if name not in named and not any(TASKS[name].has_letter(sign) for sign in characters)]
    if len(empty) == len(rows.tasks):
        return rows.tasks
    lost = set(empty) & set(rows.own["task"].unique().to_pylist())
    whose = "without a task " if named else ""
    for what, tasks in ((f"{whose}has a letter of", set(empty) - lost), ("is kept of", lost)):
        if tasks:
            tally.notes.append(f"no word {what}: {', '.join(by_paper_order(tasks))}")
    return tuple(name for name in rows.tasks if name not in empty)


def _count_unspelled(labels: Sequence[str], sources: Sequence[str], unspelled: set[str], tally: Tally) -> None:
    for label, source in zip(labels, sources, strict=True):
        if not unspelled.isdisjoint(label):
            tally.unspelled.setdefault(source, Counter()).update(filter(unspelled.__contains__, label))


def _blocks(table: pa.Table) -> Iterator[tuple[int, list[str], list[str], NDArray[np.bool_]]]:
    """First row, labels, sources, and which rows name their task."""
    for start in range(0, table.num_rows, _AT_A_TIME):
        block = table.slice(start, _AT_A_TIME)
        named = np.array(block["task"].is_valid().to_pylist(), np.bool_)
        yield start, block["label"].to_pylist(), block["source"].to_pylist(), named
