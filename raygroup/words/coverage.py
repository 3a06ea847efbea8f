"""P_WT for words whose task is not known: the share of a word's characters that each task can spell (paper section 3)."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from raygroup.config import require
from raygroup.tasks import TASKS

Supports = Callable[[str], bool]

_CHUNK = 8192
"""Labels counted at a time, so that memory does not grow with the data set."""
_DEFAULT_TASK = "la"


def supports_of(tasks: Sequence[str]) -> tuple[Supports, ...]:
    """What each known task can spell; of a task of the user's own only its words could tell, so it spells nothing here."""
    return tuple(TASKS[name].supports if name in TASKS else _nothing for name in tasks)


def task_shares(
    labels: Sequence[str], tasks: Sequence[str], supports: Sequence[Supports] | None = None, word_tasks: str = "soft"
) -> NDArray[np.float32]:
    """P_WT of Eq. (1), (w, t): rows sum to 1, or to 0 for a label with no character of any task.

    ``soft``: the shares, scaled to sum 1 (the paper does not say how they are made to). ``argmax``: 1 for the task with the largest share,
    as the released code does; of equals, the one with a letter that no other task spells, then Latin, then the first. The released code
    draws among equals at random where Latin is not one of them; we take the first, so that equal words have equal tasks.
    """
    require(word_tasks in ("soft", "argmax"), "word_tasks", word_tasks, "soft or argmax")
    spelling = _Spelling(labels, supports_of(tasks) if supports is None else supports)
    shares_wt = np.zeros((len(labels), len(tasks)), np.float32)
    for start in range(0, len(labels), _CHUNK):
        counts_wt, alone_wt = spelling.counts(labels[start : start + _CHUNK])
        shares_wt[start : start + _CHUNK] = _soft(counts_wt) if word_tasks == "soft" else _argmax(counts_wt, alone_wt, tasks)
    return shares_wt


def character_counts(labels: Sequence[str], supports: Sequence[Supports]) -> NDArray[np.int64]:
    """How many characters of each label each task supports, (w, t)."""
    return _Spelling(labels, supports).counts(labels)[0]


def spelled_by_any(labels: Sequence[str], supports: Sequence[Supports]) -> NDArray[np.bool_]:
    """Which labels, (w,), have a character that at least one task can spell."""
    spelled = {character for character in set().union(*labels) if any(spells(character) for spells in supports)}
    return np.array([not spelled.isdisjoint(label) for label in labels], np.bool_)


def spelled_by_none(labels: Iterable[str], supports: Sequence[Supports]) -> Counter[str]:
    """How often each character that no task can spell stands in the labels."""
    counts = Counter("".join(labels))
    return Counter({character: count for character, count in counts.items() if not any(spells(character) for spells in supports)})


def _soft(counts_wt: NDArray[np.int64]) -> NDArray[np.float64]:
    shares_wt: NDArray[np.float64] = counts_wt / np.maximum(counts_wt.sum(axis=1, keepdims=True), 1)
    return shares_wt


def _argmax(counts_wt: NDArray[np.int64], alone_wt: NDArray[np.int64], tasks: Sequence[str]) -> NDArray[np.bool_]:
    is_default = np.array([name == _DEFAULT_TASK for name in tasks])
    rank_wt = 4 * counts_wt + 2 * (alone_wt > 0) + is_default
    chosen_wt = np.equal(np.arange(len(tasks)), np.argmax(rank_wt, axis=1, keepdims=True))
    held_wt: NDArray[np.bool_] = np.logical_and(chosen_wt, counts_wt > 0)
    return held_wt


class _Spelling:
    """Which task spells which character, asked once for each character of a data set."""

    def __init__(self, labels: Sequence[str], supports: Sequence[Supports]) -> None:
        characters = sorted(set().union(*labels))
        self._points = np.array([ord(character) for character in characters], np.uint32)
        spells = [[task(character) for task in supports] for character in characters]
        self._spells = np.array(spells, np.int64).reshape(len(characters), len(supports))
        self._alone = self._spells * (self._spells.sum(axis=1, keepdims=True) == 1)

    def counts(self, labels: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """(w, t) each: how many characters of a label a task can spell, and how many of them no other task can."""
        points = np.frombuffer("".join(labels).encode("utf-32-le", "surrogatepass"), np.uint32)
        rows = np.searchsorted(self._points, points)
        ends = np.cumsum([0, *map(len, labels)])
        return _sums(self._spells[rows], ends), _sums(self._alone[rows], ends)


def _sums(values: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    totals = np.zeros((len(values) + 1, values.shape[1]), np.int64)
    np.cumsum(values, axis=0, out=totals[1:])
    return totals[ends[1:]] - totals[ends[:-1]]


def _nothing(character: str) -> bool:
    return False
