"""Check the names of tasks, splits and sources that rows give."""

import re
import unicodedata

import pyarrow as pa
import pyarrow.compute as pc

from raygroup.errors import ConfigError
from raygroup.tasks import TASKS, by_paper_order
from raygroup.words.importing.listed_rows import Listing
from raygroup.words.importing.report import Tally
from raygroup.words.labels import normalise
from raygroup.words.scripts import knows_letters
from raygroup.words.word_store import SPLITS, split_of

_TASK_NAME = re.compile(r"[\w.-]+")
_KNOWN_NAMES = f"one of {', '.join(TASKS)}, or another script such as thai, since some words have no task"


def possible_tasks(listing: Listing, listed: pa.Table, requested: tuple[str, ...]) -> tuple[str, ...]:
    """Return the tasks that rows name, and the requested ones if needed.

    Requested tasks are needed unless every row names its task. Raises ConfigError if a name cannot
    be used. A task whose letters raygroup does not know is allowed only if every row names its task:
    other words cannot be assigned to it.
    """
    names = listed["task"].unique().to_pylist()
    named = {name for name in names if name is not None}
    is_complete = listed.num_rows > 0 and None not in names
    if spellings := _spellings_of_one_name(named):
        first, second = sorted((_row_of(listed, "task", name), name) for name in spellings)
        place, other_place = _first_place(listing, listed, "task", second[1]), listing.place(listed, first[0])
        raise ConfigError(f"{place}: task is {second[1]!r}, but {other_place} says {first[1]!r}: spell a task in one way")
    rule = "made of letters, digits, '_', '.' and '-'" if is_complete else _KNOWN_NAMES
    for name in sorted(named):
        if not (knows_letters(name) or (is_complete and _TASK_NAME.fullmatch(name))):
            raise ConfigError(f"{_first_place(listing, listed, 'task', name)}: task is {name!r}: it must be {rule}")
    return by_paper_order(named if is_complete else named | set(requested))


def splits_of_rows(listing: Listing, listed: pa.Table, labels: pa.ChunkedArray, tally: Tally) -> pa.ChunkedArray:
    """Return the split of each row.

    A note in the tally counts the labels that are in train and in unseen.
    """
    splits = listed["split"]
    if splits.null_count == len(splits):
        return pa.chunked_array([[split_of(label) for label in chunk.to_pylist()] for chunk in labels.chunks], pa.string())
    for name in splits.unique().to_pylist():
        if name not in SPLITS:
            rule = f"one of {', '.join(SPLITS)}, or the column left out"
            raise ConfigError(f"{_first_place(listing, listed, 'split', name)}: split is {name or ''!r}: it must be {rule}")
    train, unseen = (set(labels.filter(pc.equal(splits, name)).unique().to_pylist()) for name in ("train", "unseen"))
    if both := train & unseen:
        tally.notes.append(f"labels both in train and in unseen: {len(both)}, such as {min(both)!r}; training sees these words")
    return splits


def warn_of_source_spellings(listing: Listing, listed: pa.Table, tally: Tally) -> None:
    """Note two sources that differ in case or blanks alone. A mixture gives each a ratio of its own."""
    names = {name for name in listed["source"].unique().to_pylist() if name is not None}
    if spellings := _spellings_of_one_name(names):
        places = [f"{name!r} ({listing.place(listed, _row_of(listed, 'source', name))})" for name in spellings]
        tally.notes.append(f"sources {' and '.join(places)} differ in case or blanks alone")


def _first_place(listing: Listing, listed: pa.Table, column: str, value: str | None) -> str:
    return f"{listing.root / listing.place(listed, _row_of(listed, column, value))}"


def _row_of(listed: pa.Table, column: str, value: str | None) -> int:
    """Return the first row with a value."""
    return int(pc.index(listed[column].fill_null(""), value or "").as_py())


def _spellings_of_one_name(names: set[str]) -> list[str]:
    """Return two names that differ in case, blanks, invisible signs or Unicode form alone, or nothing."""
    spelling_of: dict[str, str] = {}
    for name in sorted(names):
        key = "".join(unicodedata.normalize("NFKC", normalise(name)).casefold().split())
        if key in spelling_of:
            return [spelling_of[key], name]
        spelling_of[key] = name
    return []
