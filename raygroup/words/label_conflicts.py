"""Find words whose characters contradict their script label.

These words are kept, marked and counted: the label may be right.
"""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from raygroup.tasks import TASKS, language_of
from raygroup.words.coverage import Supports, character_counts

_TASKS = tuple(TASKS)
_HAS_LETTER: tuple[Supports, ...] = tuple(task.has_letter for task in TASKS.values())
_LABELS_PER_BLOCK = 8192


def contradictions(labels: Sequence[str], tasks: Sequence[str | None]) -> NDArray[np.bool_]:
    """Mark the words whose letters contradict their task, (w,).

    A word contradicts its task if it has no letter of that task, but a letter of another. Han
    letters belong to Chinese and to Japanese. Digits and punctuation contradict nothing, because
    every task spells them. A word cannot contradict if its task is None or not in ``TASKS``. Raises
    ValueError if the numbers of labels and tasks differ.
    """
    contradicts = np.zeros(len(labels), np.bool_)
    for start, task_w, letters_wt in _letter_blocks(labels, tasks):
        contradicts[start : start + len(task_w)] = _contradicts(task_w, letters_wt)
    return contradicts


def contradiction_counts(labels: Sequence[str], tasks: Sequence[str | None]) -> Counter[tuple[str, str]]:
    """Count contradicting words by (labelled task, written task).

    The written task has most of the word's letters. If several tie, all are named: Han letters alone
    give ``zh+ja``.
    """
    counts: Counter[tuple[str, str]] = Counter()
    for _, task_w, letters_wt in _letter_blocks(labels, tasks):
        rows = np.flatnonzero(_contradicts(task_w, letters_wt))
        most_wt = letters_wt[rows] == letters_wt[rows].max(axis=1, keepdims=True, initial=0)
        written = ["+".join(_TASKS[task] for task in np.flatnonzero(most)) for most in most_wt]
        counts.update((_TASKS[task], script) for task, script in zip(task_w[rows], written, strict=True))
    return counts


def contradiction_lines(counts: Counter[tuple[str, str]]) -> list[str]:
    """Return one readable line for each pair of tasks, the most frequent first."""
    return [f"{count} kept, though labelled {task} and written in letters of {written}" for (task, written), count in counts.most_common()]


def _letter_blocks(labels: Sequence[str], tasks: Sequence[str | None]) -> Iterator[tuple[int, NDArray[np.intp], NDArray[np.int64]]]:
    """Count the letters of words in blocks.

    Yields the position of a block's first word, the task of each word (w,), and the number of its
    letters that each task can write (w, t). A task is the place of its language in ``TASKS``, or -1 if it is not there.
    """
    if len(labels) != len(tasks):
        raise ValueError(f"{len(labels)} labels and {len(tasks)} tasks: the numbers must agree")
    place = {name: number for number, name in enumerate(_TASKS)}
    for start in range(0, len(labels), _LABELS_PER_BLOCK):
        block = slice(start, start + _LABELS_PER_BLOCK)
        task_w = np.array([-1 if name is None else place.get(language_of(name), -1) for name in tasks[block]], np.intp)
        yield start, task_w, character_counts(labels[block], _HAS_LETTER)


def _contradicts(task_w: NDArray[np.intp], letters_wt: NDArray[np.int64]) -> NDArray[np.bool_]:
    has_letter_of_task = letters_wt[np.arange(len(task_w)), task_w] > 0  # -1 picks the last task; such words are left out below
    contradicts: NDArray[np.bool_] = (task_w >= 0) & ~has_letter_of_task & letters_wt.any(axis=1)
    return contradicts
