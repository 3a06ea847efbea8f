"""Words whose script label contradicts their characters: kept, marked and counted, for the label may be what is right (row G19)."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from raygroup.tasks import TASKS
from raygroup.words.coverage import Supports, character_counts

_TASKS = tuple(TASKS)
_LETTERS: tuple[Supports, ...] = tuple(task.has_letter for task in TASKS.values())
_CHUNK = 8192


def contradictions(labels: Sequence[str], tasks: Sequence[str | None]) -> NDArray[np.bool_]:
    """Which words (w,) have no letter of the task they are labelled with, but a letter of another.

    Han letters are Chinese and Japanese alike. Nothing contradicts digits and punctuation, which every task spells, nor a word without
    a task (None), nor one of a task whose letters are not known here. Raises ValueError where there are not as many tasks as labels.
    """
    found = np.zeros(len(labels), np.bool_)
    for start, own, letters_wt in _counted(labels, tasks):
        found[start : start + len(own)] = _contradicted(own, letters_wt)
    return found


def contradiction_counts(labels: Sequence[str], tasks: Sequence[str | None]) -> Counter[tuple[str, str]]:
    """(task by label, task by characters) -> words that contradict. By characters a word is of the task with most of its letters; of
    several with equally many, of all of them, such as ``zh+ja`` for Han alone."""
    counts: Counter[tuple[str, str]] = Counter()
    for _, own, letters_wt in _counted(labels, tasks):
        rows = np.flatnonzero(_contradicted(own, letters_wt))
        most_wt = letters_wt[rows] == letters_wt[rows].max(axis=1, keepdims=True, initial=0)
        by_characters = ["+".join(_TASKS[task] for task in np.flatnonzero(most)) for most in most_wt]
        counts.update((_TASKS[labelled], written) for labelled, written in zip(own[rows], by_characters, strict=True))
    return counts


def contradiction_lines(counts: Counter[tuple[str, str]]) -> list[str]:
    """For a person to read: one line a pair, the most frequent first."""
    return [
        f"{number} kept, though labelled {labelled} and written in letters of {written}"
        for (labelled, written), number in counts.most_common()
    ]


def _counted(labels: Sequence[str], tasks: Sequence[str | None]) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
    """First word, each word's labelled task (w,), -1 where it is none of ``TASKS``, and its letters of every task (w, t)."""
    if len(labels) != len(tasks):
        raise ValueError(f"{len(labels)} labels and {len(tasks)} tasks: there must be as many")
    place = {name: number for number, name in enumerate(_TASKS)}
    for start in range(0, len(labels), _CHUNK):
        own = np.array([-1 if name is None else place.get(name, -1) for name in tasks[start : start + _CHUNK]], np.intp)
        yield start, own, character_counts(labels[start : start + _CHUNK], _LETTERS)


def _contradicted(own: NDArray[np.intp], letters_wt: NDArray[np.int64]) -> NDArray[np.bool_]:
    has_own = letters_wt[np.arange(len(own)), own] > 0
    found: NDArray[np.bool_] = (own >= 0) & ~has_own & letters_wt.any(axis=1)
    return found
