"""Connectionist temporal classification (CTC): the likelihood of words, and the best path.

A path has one class at each position. It spells the word that is left when repeated classes become
one and blanks are removed. Class 0 is the blank. It also stands for unsupported characters, so a
word is spelled without them. Shapes: w words, l positions, m heads, c classes.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from raygroup.model.heads.beams import DecodedWords

BLANK = 0
"""The class of a position without a character."""


class Spelling(NamedTuple):
    """The characters of words that paths can spell."""

    classes: Tensor
    """(w, longest), filled up with ``BLANK``."""
    lengths: Tensor
    """Number of these characters, (w,)."""
    positions: Tensor
    """Fewest positions of a path that spells the word, (w,). Equal neighbours need a blank between them."""

    def of_words(self, words: Tensor | slice) -> "Spelling":
        """Return the spelling of these words alone."""
        return Spelling(self.classes[words], self.lengths[words], self.positions[words])


def spell(targets: Tensor, end: int) -> Spelling:
    """Return the spelling of words. ``targets`` (w, longest) are characters, then ``end``, then anything."""
    written = ((targets == end).cumsum(1) == 0) & (targets != BLANK)
    order = (~written).to(torch.uint8).sort(dim=1, stable=True).indices
    lengths = written.sum(1)
    is_filling = torch.arange(targets.shape[1], device=targets.device) >= lengths[:, None]
    classes = targets.gather(1, order).masked_fill(is_filling, BLANK)
    repeats = ((classes[:, 1:] == classes[:, :-1]) & (classes[:, 1:] != BLANK)).sum(1)
    return Spelling(classes, lengths, lengths + repeats)


def path_nll(logits: Tensor, spelling: Spelling) -> Tensor:
    """Return -log p of each word under each head, (w, m): the sum over all paths that spell it.

    ``logits`` is (w, l, m, c). It is infinite for words that need more than l positions.
    """
    w, length, m, _ = logits.shape
    if not w:
        return logits.sum((1, 3))  # (0, m), and it reaches the weights
    by_position = logits.log_softmax(-1).transpose(0, 1).flatten(1, 2)
    positions = torch.full((w * m,), length, device=logits.device)
    classes, lengths = (values.repeat_interleave(m, 0) for values in (spelling.classes, spelling.lengths))
    return F.ctc_loss(by_position, classes, positions, lengths, blank=BLANK, reduction="none").view(w, m)


def best_path(logits: Tensor, longest: int, end: int) -> DecodedWords:
    """Return the words of the most probable class at each position of logits (w, l, c).

    Of repeated classes the first position is kept. The confidence is the mean probability of the kept
    characters, and 0 for a word without any. The product is the probability of the path. A word gets
    at most ``longest`` characters.
    """
    decoded = DecodedWords.empty(len(logits), longest, end, logits.device)
    probability, classes = logits.softmax(-1).max(-1)
    is_kept = (classes != BLANK) & (classes != F.pad(classes[:, :-1], (1, 0), value=BLANK))
    place = is_kept.cumsum(1) - 1
    is_kept &= place < longest
    word, position = is_kept.nonzero(as_tuple=True)
    decoded.classes[word, place[word, position]] = classes[word, position]
    characters = is_kept.sum(1)
    decoded.confidence.copy_((probability * is_kept).sum(1) / characters.clamp(min=1))
    decoded.product.copy_(probability.double().prod(1))
    return decoded
