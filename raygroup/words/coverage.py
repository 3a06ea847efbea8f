"""Estimate P_WT of words without a task (paper section 3)."""

import functools
from collections import Counter
from collections.abc import Callable, Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from raygroup.config_sections import require
from raygroup.tasks import language_of
from raygroup.words.scripts import can_spell, has_letter

Supports = Callable[[str], bool]

_LABELS_PER_BLOCK = 8192
"""Number of labels counted at a time, so that memory does not grow with the data set."""
_DEFAULT_TASK = "la"


def supports_of(tasks: Sequence[str]) -> tuple[Supports, ...]:
    """Return, for each task, a test of the characters it can spell.

    ``scripts.can_spell`` has the rule.
    """
    return tuple(functools.partial(can_spell, name) for name in tasks)


def letters_of(tasks: Sequence[str]) -> tuple[Supports, ...]:
    """Return, for each task, a test of the letters that belong to it, as ``scripts.has_letter``."""
    return tuple(functools.partial(has_letter, name) for name in tasks)


def task_shares(
    labels: Sequence[str], tasks: Sequence[str], supports: Sequence[Supports] | None = None, word_tasks: str = "soft"
) -> NDArray[np.float32]:
    """Return P_WT of Eq. (1), (w, t).

    A row sums to 1, or to 0 if no task can spell any character of the label.

    ``soft`` counts the characters that each task can spell and divides by the sum of these counts.
    The paper does not say how it makes rows sum to 1. ``argmax`` gives 1 to the task that can spell
    most characters, as the released code does. A tie goes to a task with a letter that no other task
    can spell, then to Latin, then to the first. If Latin is not in the tie, the released code draws
    among the tied tasks. We take the first, so that equal words have equal tasks.
    """
    require(word_tasks in ("soft", "argmax"), "word_tasks", word_tasks, "soft or argmax")
    spelling = _SpellingTable(labels, supports_of(tasks) if supports is None else supports)
    shares_wt = np.zeros((len(labels), len(tasks)), np.float32)
    for start in range(0, len(labels), _LABELS_PER_BLOCK):
        block = slice(start, start + _LABELS_PER_BLOCK)
        counts_wt, unique_wt = spelling.counts(labels[block])
        shares_wt[block] = _soft(counts_wt) if word_tasks == "soft" else _argmax(counts_wt, unique_wt, tasks)
    return shares_wt


def character_counts(labels: Sequence[str], supports: Sequence[Supports]) -> NDArray[np.int64]:
    """Count the characters of each label that each task supports, (w, t)."""
    return _SpellingTable(labels, supports).counts(labels)[0]


def spellable_labels(labels: Sequence[str], supports: Sequence[Supports]) -> NDArray[np.bool_]:
    """Mark the labels with a character that some task can spell, (w,)."""
    spellable = {character for character in set().union(*labels) if any(spells(character) for spells in supports)}
    return np.array([not spellable.isdisjoint(label) for label in labels], np.bool_)


def unspellable_characters(labels: Iterable[str], supports: Sequence[Supports]) -> Counter[str]:
    """Count the characters in the labels that no task can spell."""
    counts = Counter("".join(labels))
    return Counter({character: count for character, count in counts.items() if not any(spells(character) for spells in supports)})


def _soft(counts_wt: NDArray[np.int64]) -> NDArray[np.float64]:
    shares_wt: NDArray[np.float64] = counts_wt / np.maximum(counts_wt.sum(axis=1, keepdims=True), 1)
    return shares_wt


def _argmax(counts_wt: NDArray[np.int64], unique_wt: NDArray[np.int64], tasks: Sequence[str]) -> NDArray[np.bool_]:
    is_default = np.array([language_of(name) == _DEFAULT_TASK for name in tasks])
    # A count outweighs both tie-breaks, and a letter of one task alone outweighs the default task.
    rank_wt = 4 * counts_wt + 2 * (unique_wt > 0) + is_default
    chosen_wt = np.equal(np.arange(len(tasks)), np.argmax(rank_wt, axis=1, keepdims=True))
    task_wt: NDArray[np.bool_] = np.logical_and(chosen_wt, counts_wt > 0)
    return task_wt


class _SpellingTable:
    """The tasks that can spell each character of a data set."""

    def __init__(self, labels: Sequence[str], supports: Sequence[Supports]) -> None:
        characters = sorted(set().union(*labels))
        self._code_points = np.array([ord(character) for character in characters], np.uint32)
        spells = [[can_spell(character) for can_spell in supports] for character in characters]
        self._spells_ct = np.array(spells, np.int64).reshape(len(characters), len(supports))
        self._unique_ct = self._spells_ct * (self._spells_ct.sum(axis=1, keepdims=True) == 1)

    def counts(self, labels: Sequence[str]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Count the characters that each task can spell, (w, t), twice.

        The first array counts all of them. The second counts those that no other task can spell.
        """
        code_points = np.frombuffer("".join(labels).encode("utf-32-le", "surrogatepass"), np.uint32)
        rows = np.searchsorted(self._code_points, code_points)
        ends = np.cumsum([0, *map(len, labels)])
        return _sums(self._spells_ct[rows], ends), _sums(self._unique_ct[rows], ends)


def _sums(values: NDArray[np.int64], ends: NDArray[np.int64]) -> NDArray[np.int64]:
    """Sum the rows between each end and the next."""
    totals = np.zeros((len(values) + 1, values.shape[1]), np.int64)
    np.cumsum(values, axis=0, out=totals[1:])
    return totals[ends[1:]] - totals[ends[:-1]]
