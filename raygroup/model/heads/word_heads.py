"""What training and reading need of a bank, whatever its heads are: attention decoders or CTC heads.

Shapes: w words, longest first, m heads of the bank, n characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import torch
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.beams import DecodedWords
from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import PLAIN, Kernels
from raygroup.model.losses import word_weights


class WordLabels(Protocol):
    """The labels of w words in the charset of one bank. ``training.label_batches.Batch`` has them."""

    @property
    def targets(self) -> Tensor:
        """Classes, then the end, then zeros, (w, longest)."""

    @property
    def lengths(self) -> Tensor:
        """Number of characters of each word with its end, (w,). It is 0 without a label."""

    @property
    def active(self) -> Sequence[int]:
        """Number of words that have a character at each step."""

    @property
    def characters(self) -> Tensor:
        """Classes of the characters, (n,)."""

    @property
    def inputs(self) -> Tensor:
        """The class before each of ``characters``, (n,)."""

    @property
    def owners(self) -> Tensor:
        """The word of each character, (n,)."""


class WordHeads(Protocol):
    """A bank of heads of one kind."""

    def spellable(self, labels: WordLabels) -> Tensor:
        """Return whether the heads can write each word, (w,) bool. The others have no loss."""

    def word_losses(self, words: Tensor, labels: WordLabels, weights: Tensor, form: Kernels = PLAIN) -> Tensor:
        """Eq. (5) under weights: return each head's sum over words, (m,).

        A word's loss is its negative log-likelihood divided by its number of characters. ``words``
        are what the heads read, and ``weights`` is (w, m). Both get gradients.
        """

    def read_words(self, words: Tensor, heads: Tensor, longest: int, width: int, form: Kernels = PLAIN) -> DecodedWords:
        """Read each word by its head (w,), with ``width`` beams, or greedily if ``width`` is 1.

        A word gets at most ``longest`` characters. Raises ValueError for a width that the heads do
        not have.
        """


@dataclass(frozen=True, eq=False)
class AttentionWords:
    """The attention decoders of a bank as ``WordHeads``. A word's end counts as a character."""

    bank: HeadBank

    def spellable(self, labels: WordLabels) -> Tensor:
        """Return True for every word: a decoder may write any text."""
        return torch.ones_like(labels.lengths, dtype=torch.bool)

    def word_losses(self, words: Tensor, labels: WordLabels, weights: Tensor, form: Kernels = PLAIN) -> Tensor:
        """Return each head's weighted loss, (m,)."""
        by_character = word_weights(weights, labels.lengths, words="sum")[labels.owners].T
        total, _ = self.bank.losses(words, labels.inputs, labels.characters, labels.active, by_character, form)
        return total

    def read_words(self, words: Tensor, heads: Tensor, longest: int, width: int, form: Kernels = PLAIN) -> DecodedWords:
        """Read each word by its head. A word's end counts as one of its ``longest`` characters."""
        reader = Reader(self.bank, form)
        return reader.greedy(words, heads, longest) if width == 1 else reader.beam(words, heads, longest, width)
