"""The recognition heads of a spotter, in banks of one charset each.

Heads that share a charset are stacked in one bank. Heads with charsets of their own, as the released
networks have them, are banks of one head. The heads of a bank are of one kind: attention decoders
(``HeadBank``) or CTC heads (``CtcBank``). Shapes: w words, m heads of all banks in order, n
characters of all words in the order of ``HeadBank.states``.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.ctc import CtcBank
from raygroup.model.heads.word_heads import AttentionWords, WordHeads, WordLabels
from raygroup.model.kernels.convolution import resize_planes
from raygroup.model.kernels.forms import PLAIN, Kernels

NO_CHARACTER = -1
"""Class after the end of a word."""


class BankLabels(NamedTuple):
    """The characters of all words, in the charset of one bank."""

    inputs: Tensor
    """The class before each character, (n,)."""
    characters: Tensor
    """Classes, (n,)."""


class SpottedWords(NamedTuple):
    """The words that heads read."""

    classes: Tensor
    """Classes of the head's own charset, (w, longest), filled up with ``NO_CHARACTER``."""
    confidence: Tensor
    """Mean probability of a word's characters, and of its end if the head writes one, (w,)."""


class RecognitionHeads(nn.Module):
    """All heads of a spotter. Every bank reads the same planes."""

    def __init__(self, banks: Sequence[HeadBank | CtcBank]) -> None:
        super().__init__()
        self.banks = nn.ModuleList(banks)
        self.bank_of_head = [number for number, bank in enumerate(banks) for _ in range(bank.heads)]

    @property
    def heads(self) -> int:
        """Return the number of heads of all banks."""
        return len(self.bank_of_head)

    def losses(
        self, planes: Tensor, labels: Sequence[BankLabels], active: Sequence[int], weights: Tensor, form: Kernels = PLAIN
    ) -> tuple[Tensor, Tensor]:
        """Return each head's weighted loss (m,), and the loss of every character (m, n).

        ``planes`` (w, c, h, w') are longest word first. Banks without a convolution get word features
        (w, l, f) in their place. ``labels`` has one entry for each bank, and ``weights`` is (m, n). Only the first result has gradients.
        Raises ValueError if there are CTC heads: they have no losses of characters.
        """
        shares = torch.split(weights, [bank.heads for bank in self._decoders()])
        pairs = [
            bank.losses(_as_read(bank, planes), label.inputs, label.characters, active, share, form)
            for bank, label, share in zip(self._decoders(), labels, shares, strict=True)
        ]
        return torch.cat([total for total, _ in pairs]), torch.cat([nll for _, nll in pairs])

    def spellable(self, labels: Sequence[WordLabels]) -> Tensor:
        """Return whether all heads can write each word, (w,) bool. ``labels`` has one entry for each bank."""
        return torch.stack([_word_heads(bank).spellable(label) for bank, label in zip(self._banks(), labels, strict=True)]).all(0)

    def word_losses(self, planes: Tensor, labels: Sequence[WordLabels], weights: Tensor, form: Kernels = PLAIN) -> Tensor:
        """Eq. (5) under weights: return each head's sum over words, (m,).

        ``planes`` or word features are longest word first, as for ``losses``. ``weights`` is (w, m).
        Both get gradients. A word's loss is divided by its number of characters.
        """
        shares = torch.split(weights, [bank.heads for bank in self._banks()], 1)
        return torch.cat([
            _word_heads(bank).word_losses(planes, label, share, form)
            for bank, label, share in zip(self._banks(), labels, shares, strict=True)
        ])  # fmt: skip

    @torch.no_grad()
    def read(self, planes: Tensor, heads: Tensor, longest: int, width: int = 6, form: Kernels = PLAIN) -> SpottedWords:
        """Read each word by its head (w,), with ``width`` beams, or greedily if ``width`` is 1.

        Raises ValueError if a CTC head gets words and ``width`` is not 1: it reads by the best path.
        """
        classes = torch.full((len(planes), longest), NO_CHARACTER, device=planes.device)
        confidence = planes.new_zeros(len(planes))
        first = 0
        for bank in self._banks():
            words = ((heads >= first) & (heads < first + bank.heads)).nonzero()[:, 0]
            if len(words):
                decoded = _word_heads(bank).read_words(planes[words], heads[words] - first, longest, width, form)
                end = bank.classes - 1
                classes[words] = decoded.classes.masked_fill(decoded.classes == end, NO_CHARACTER)
                confidence[words] = decoded.confidence
            first += bank.heads
        return SpottedWords(classes, confidence)

    def _banks(self) -> list[HeadBank | CtcBank]:
        return list(self.banks)  # type: ignore[arg-type]

    def _decoders(self) -> list[HeadBank]:
        banks = [bank for bank in self._banks() if isinstance(bank, HeadBank)]
        if len(banks) < len(self.banks):
            raise ValueError("CTC heads have no losses of characters: use word_losses")
        return banks


def _word_heads(bank: HeadBank | CtcBank) -> WordHeads:
    return bank if isinstance(bank, CtcBank) else AttentionWords(bank)


def _as_read(bank: HeadBank, words: Tensor) -> Tensor:
    """Return planes at the size that a bank reads. Word features stay as they are."""
    return resize_planes(words, bank.plane_size) if bank.convolve else words
