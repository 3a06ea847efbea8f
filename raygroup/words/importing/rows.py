"""Interpret the rows of a user's data set.

This gives each row its label, task and split, and marks the rows whose text can be read.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.tasks import by_paper_order
from raygroup.words.coverage import spellable_labels, supports_of, unspellable_characters
from raygroup.words.dont_care import ANY_MARK, is_dont_care
from raygroup.words.importing.listed_rows import Listing, ReportProgress, ignore_progress, progress_over, unused_columns
from raygroup.words.importing.reasons import CONTROL, DONT_CARE, NO_TASK, NO_TEXT, TOO_LONG
from raygroup.words.importing.repeated_rows import drop_repeated_rows
from raygroup.words.importing.report import Tally
from raygroup.words.importing.row_names import possible_tasks, splits_of_rows, warn_of_source_spellings
from raygroup.words.importing.script_tasks import script_tasks_in
from raygroup.words.importing.word_groups import GroupName, GroupTally, group_names
from raygroup.words.label_conflicts import contradiction_counts, contradiction_lines
from raygroup.words.labels import LONGEST, count_changes, normalise
from raygroup.words.scripts import has_letter, knows_letters

_ROWS_PER_BLOCK = 65536
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f]")


@dataclass(frozen=True)
class UserRows:
    """The rows of a listing and what they mean."""

    listing: Listing
    listed: pa.Table
    """The rows as the listing gives them."""
    words: pa.Table
    """``text``, ``label``, ``task``, ``source`` and ``split``: the store's schema without the image."""
    tasks: tuple[str, ...]
    script_tasks: frozenset[str]
    """Those of the tasks that no row names and nobody requested. Words in their scripts need them."""
    usable: NDArray[np.bool_]
    """The rows to keep. Their text is neither empty nor too long, and some task can be theirs.

    That is the task they name, or one that can spell one of their characters.
    """

    def place(self, row: int) -> str:
        return self.listing.place(self.listed, row)


def interpret_rows(listing: Listing, requested: tuple[str, ...], tally: Tally, progress: ReportProgress = ignore_progress) -> UserRows:
    """Read the rows of a listing and interpret them.

    The tasks are those that rows name. If some row names none, a ``requested`` task is added if a
    word without a task has one of its letters, and so are the tasks of ``script_tasks_in``. The
    splits are those of the column, or ``split_of`` without one. The tally counts what is dropped and
    changed. Raises ConfigError if a task or a split has a wrong name.
    """
    listed, names, notes = listing.rows(progress)
    tally.notes += [*notes, *unused_columns(names)]
    warn_of_source_spellings(listing, listed, tally)
    labels = _labels(listed["text"], tally)
    columns = {
        "text": listed["text"],
        "label": labels,
        "task": listed["task"],
        "source": listed["source"].fill_null(listing.name),
        "split": splits_of_rows(listing, listed, labels, tally),
    }
    tasks, words = possible_tasks(listing, listed, requested), pa.table(columns)
    script_tasks = script_tasks_in(words, tasks, tally)
    tasks = by_paper_order({*tasks, *script_tasks})
    rows = UserRows(listing, listed, words, tasks, script_tasks, np.ones(listed.num_rows, np.bool_))
    tally.groups = GroupTally(_row_groups(rows, progress_over(listed.num_rows, progress)))
    _drop_unreadable_rows(rows, tally, progress)
    if (keys := listing.image_keys(listed)) is not None:
        drop_repeated_rows(keys, rows.words, listed["line"], rows.usable, rows.place, tally)
    _count_contradictions(rows, tally)
    tasks = _tasks_with_words(rows, tally)
    if script_tasks := rows.script_tasks & set(tasks):
        tally.notes.append(f"tasks of their own, by script: {', '.join(sorted(script_tasks))}")
    return replace(rows, tasks=tasks, script_tasks=script_tasks)


def _row_groups(rows: UserRows, progress: ReportProgress) -> list[GroupName]:
    groups: list[GroupName] = []
    for start, labels, _, _ in _blocks(rows.words):
        named = rows.words["task"].slice(start, len(labels)).to_pylist()
        groups += group_names(labels, named, rows.tasks)
        progress("labels grouped by task and script", len(groups), rows.words.num_rows)
    return groups


def _labels(texts: pa.ChunkedArray, tally: Tally) -> pa.ChunkedArray:
    labels = []
    for start in range(0, len(texts), _ROWS_PER_BLOCK):
        block = texts.slice(start, _ROWS_PER_BLOCK).fill_null("").to_pylist()
        normalised = [*map(normalise, block)]
        tally.changed.update(count_changes(text for text, label in zip(block, normalised, strict=True) if text != label))
        labels.append(pa.array(normalised, pa.string()))
    return pa.chunked_array(labels, pa.string())


def _drop_unreadable_rows(rows: UserRows, tally: Tally, progress: ReportProgress) -> None:
    """Clear ``usable`` for rows without a readable text, and count them.

    A word without a task needs a character of some task. A word that names its task may be written
    in any characters.
    """
    supports = supports_of(rows.tasks)
    knows_all_letters = all(map(knows_letters, rows.tasks))
    total = rows.words.num_rows
    progress = progress_over(total, progress)
    for start, labels, sources, has_task in _blocks(rows.words):
        lengths = np.array([*map(len, labels)], np.int64)
        reasons = {
            NO_TEXT: lengths == 0,
            DONT_CARE: np.array([is_dont_care(label, ANY_MARK) for label in labels], np.bool_),
            CONTROL: np.array([_CONTROL.search(label) is not None for label in labels], np.bool_),
            TOO_LONG: lengths > LONGEST,
            NO_TASK: ~(has_task | spellable_labels(labels, supports)),
        }
        usable = rows.usable[start : start + len(labels)]
        for reason, applies in reasons.items():
            tally.drop(reason, start + np.flatnonzero(usable & applies), rows.place)
            usable &= ~applies  # a view: this changes rows.usable, and a row counts for its first reason alone
        if knows_all_letters:
            _count_unspelled(labels, sources, set(unspellable_characters(labels, supports)), tally)
        progress("labels checked", start + len(labels), total)


def _count_contradictions(rows: UserRows, tally: Tally) -> None:
    """Note the words whose letters contradict their task.

    They are kept: the label may be right, or the text.
    """
    counts: Counter[tuple[str, str]] = Counter()
    words = rows.words.select(["label", "task"]).filter(pa.array(rows.usable & rows.words["task"].is_valid().to_numpy()))
    for start in range(0, words.num_rows, _ROWS_PER_BLOCK):
        block = words.slice(start, _ROWS_PER_BLOCK)
        counts.update(contradiction_counts(block["label"].to_pylist(), block["task"].to_pylist()))
    tally.notes += contradiction_lines(counts)


def _tasks_with_words(rows: UserRows, tally: Tally) -> tuple[str, ...]:
    """Return the tasks that some usable word can belong to.

    The others are noted in the tally. A task without words would fill a head's quota in Eq. (9) for
    nothing. If no task has a word, all are returned that somebody named or requested.
    """
    words = rows.words.select(["label", "task"]).filter(pa.array(rows.usable))
    named = set(words["task"].drop_null().unique().to_pylist())
    characters = set().union(*words["label"].filter(words["task"].is_null()).unique().to_pylist())
    empty = [name for name in rows.tasks if name not in named and not any(has_letter(name, sign) for sign in characters)]
    if len(empty) == len(rows.tasks):
        return tuple(name for name in rows.tasks if name not in rows.script_tasks)
    lost = set(empty) & set(rows.listed["task"].unique().to_pylist())
    which = "without a task " if named else ""
    for fact, tasks in ((f"{which}has a letter of", set(empty) - lost), ("is kept of", lost)):
        if tasks:
            tally.notes.append(f"no word {fact}: {', '.join(by_paper_order(tasks))}")
    return tuple(name for name in rows.tasks if name not in empty)


def _count_unspelled(labels: Sequence[str], sources: Sequence[str], unspelled: set[str], tally: Tally) -> None:
    for label, source in zip(labels, sources, strict=True):
        if not unspelled.isdisjoint(label):
            tally.unspelled.setdefault(source, Counter()).update(filter(unspelled.__contains__, label))


def _blocks(table: pa.Table) -> Iterator[tuple[int, list[str], list[str], NDArray[np.bool_]]]:
    """Yield blocks of rows.

    A block has its first row, the labels, the sources, and a mask of the rows that name their task.
    """
    for start in range(0, table.num_rows, _ROWS_PER_BLOCK):
        block = table.slice(start, _ROWS_PER_BLOCK)
        has_task = np.array(block["task"].is_valid().to_pylist(), np.bool_)
        yield start, block["label"].to_pylist(), block["source"].to_pylist(), has_task
