"""Pad the classes of words as the released recognition heads take them.

Heads that are trained here take ``training.label_batches``, which has no longest word.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

LONGEST = 32
"""Steps of the released decoder."""
NO_CLASS = -1
"""The class of a step that counts in no loss."""


@dataclass(frozen=True, slots=True, eq=False)
class WordTargets:
    """The classes of n words."""

    targets: NDArray[np.int64]
    """(n, LONGEST): characters, then the end, then ``NO_CLASS``."""
    following: NDArray[np.int64]
    """(n, LONGEST): the class put in at the step after each, characters and then ends."""


def word_targets(words: Sequence[Sequence[int]], end: int, longest: int = LONGEST) -> WordTargets:
    """Return the targets of words, given as the classes of their characters.

    The end takes the place of the last character of a word that is too long. An empty word has its
    end in the second place, and no class in the first.
    """
    targets = np.full((len(words), longest), NO_CLASS, np.int64)
    following = np.full((len(words), longest), end, np.int64)
    for row, word in enumerate(words):
        shown = list(word[:longest])
        targets[row, : len(shown)] = following[row, : len(shown)] = shown
        targets[row, min(max(1, len(shown)), longest - 1)] = end
    return WordTargets(targets, following)
