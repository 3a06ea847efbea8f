"""Group the rows of a data set by task and script, to count what becomes of them."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from raygroup.words.coverage import character_counts, letters_of, spellable_labels, supports_of
from raygroup.words.scripts import NO_SCRIPT, script_of

ANY_TASK = "any"
"""Stands for the task of a word of shared signs alone, such as a number: every task can spell it."""
NONE = "-"
"""Stands for the task of a word that no task can spell, and for the script of an empty text."""


class GroupName(NamedTuple):
    """The task and the script of a word, as reports name them."""

    task: str
    """The task that the row names. Without one, the task that has most of the word's letters.

    Tasks that tie are joined: ``zh+ja``. It may also be ``ANY_TASK`` or ``NONE``.
    """
    script: str
    """The script of most of the word's characters, as Unicode's Script property names it.

    It is ``Common`` if no character decides, and ``NONE`` without a character.
    """


@dataclass(frozen=True, kw_only=True)
class WordGroup:
    """The words of one task and one script. Word stores keep it as JSON, so its field names must not change."""

    task: str
    script: str
    listed: int
    dropped: dict[str, int]
    """Reason -> number of words."""
    characters: dict[str, int]
    """Character -> number of occurrences in the words that are kept, the most frequent first."""

    @property
    def kept(self) -> int:
        return self.listed - sum(self.dropped.values())

    @staticmethod
    def from_json(stored: dict[str, Any]) -> "WordGroup":
        return WordGroup(**stored)


class GroupTally:
    """The counts of all groups while an import runs."""

    def __init__(self, row_groups: Sequence[GroupName] = ()) -> None:
        self.row_groups = row_groups
        """The group of each row of the data set."""
        self._dropped: dict[GroupName, Counter[str]] = {}
        self._characters: dict[GroupName, Counter[str]] = {}

    def drop(self, reason: str, row: int) -> None:
        self._dropped.setdefault(self.row_groups[row], Counter())[reason] += 1

    def keep(self, rows: Sequence[int], labels: Sequence[str]) -> None:
        """Count the characters of kept words. ``labels`` are those of the rows."""
        labels_of: dict[GroupName, list[str]] = {}
        for row, label in zip(rows, labels, strict=True):
            labels_of.setdefault(self.row_groups[row], []).append(label)
        for group, kept in labels_of.items():
            self._characters.setdefault(group, Counter()).update("".join(kept))

    def groups(self) -> tuple[WordGroup, ...]:
        """Return the groups, the largest first. Groups of equal size stand by name."""
        sizes = sorted(Counter(self.row_groups).items(), key=lambda entry: (-entry[1], entry[0]))
        return tuple(
            WordGroup(
                task=group.task, script=group.script, listed=listed,
                dropped=dict(self._dropped.get(group, Counter()).most_common()),
                characters=dict(self._characters.get(group, Counter()).most_common()),
            )
            for group, listed in sizes
        )  # fmt: skip


def group_names(labels: Sequence[str], named: Sequence[str | None], tasks: Sequence[str]) -> list[GroupName]:
    """Return the task and the script of each word, (w,).

    ``named`` are the tasks that rows name. ``tasks`` are those that a word without a task can have.
    """
    scripts = _main_scripts(labels)
    tasks_by_letters = _tasks_by_letters(labels, tasks) if None in named else [NONE] * len(labels)
    pairs = zip((name or task for name, task in zip(named, tasks_by_letters, strict=True)), scripts, strict=True)
    groups: dict[tuple[str, str], GroupName] = {}  # one object for each group: a data set may have millions of rows
    return [groups.setdefault(pair, GroupName(*pair)) for pair in pairs]


def _main_scripts(labels: Sequence[str]) -> list[str]:
    names = sorted({script_of(character) for character in set().union(*labels)} - NO_SCRIPT)
    counts_ws = character_counts(labels, [_test_of(name) for name in names])
    main_scripts = np.array([*names, "Common"], object)[_argmax_or_last(counts_ws)]
    return [script if label else NONE for script, label in zip(main_scripts, labels, strict=True)]


def _tasks_by_letters(labels: Sequence[str], tasks: Sequence[str]) -> list[str]:
    letters_wt = character_counts(labels, letters_of(tasks))
    most_wt = (letters_wt == letters_wt.max(axis=1, keepdims=True, initial=1)) & (letters_wt > 0)
    names = {False: NONE, True: ANY_TASK}
    without = [names[bool(is_spellable)] for is_spellable in spellable_labels(labels, supports_of(tasks))]
    joined: dict[bytes, str] = {}
    for pattern in most_wt:
        if (key := pattern.tobytes()) not in joined:
            joined[key] = "+".join(name for name, is_most in zip(tasks, pattern, strict=True) if is_most)
    return [joined[pattern.tobytes()] or other for pattern, other in zip(most_wt, without, strict=True)]


def _test_of(script: str) -> Any:
    return lambda character: script_of(character) == script


def _argmax_or_last(counts: NDArray[np.int64]) -> NDArray[np.intp]:
    """Return the column of the largest count of each row, or the number of columns if all are 0."""
    columns = counts.shape[1]
    if not columns:
        return np.zeros(len(counts), np.intp)
    places: NDArray[np.intp] = np.where(counts.any(axis=1), counts.argmax(axis=1), columns)
    return places
