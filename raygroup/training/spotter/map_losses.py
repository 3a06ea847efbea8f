"""The losses on the map of shrunk words, as sums and counts that can be added over workers."""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

_FEWEST_NEGATIVES = 300
"""Pixels without text that count in every sample. Samples without text have no others."""


class LossSums(NamedTuple):
    """Sums of the dice loss and of the cross-entropy, and the numbers to divide them by."""

    totals: Tensor
    """(2,), with gradients."""
    counts: Tensor
    """(2,): samples with text, and pixels that count."""


def map_losses(logits: Tensor, text: Tensor, weight: Tensor, hard_negatives: float) -> LossSums:
    """Return both losses of samples, all (n, h, w).

    ``text`` is 1 inside shrunk words and 0 elsewhere. Pixels of weight 0 do not count. The dice loss
    is that of each sample which has text, Eq. (1 - 2 sum(p g) / (sum(p) + sum(g))). The
    cross-entropy counts a sample's pixels of text and its ``hard_negatives`` times as many hardest
    other pixels.
    """
    probability, shown = logits.sigmoid(), text * weight
    overlap = (probability * shown).sum((1, 2))
    size = (probability * weight).sum((1, 2)) + shown.sum((1, 2))
    has_text = shown.sum((1, 2)) > 0
    dice = ((1 - 2 * overlap / (size + 1e-6)) * has_text).sum()
    entropy = F.binary_cross_entropy_with_logits(logits, text, reduction="none") * weight
    positives = shown.sum((1, 2))
    negative = entropy * (1 - text)
    available = ((1 - text) * weight).sum((1, 2))
    wanted = (hard_negatives * positives).clamp(min=_FEWEST_NEGATIVES).minimum(available).long()
    hardest = torch.stack([values.flatten().topk(int(k)).values.sum() for values, k in zip(negative, wanted.tolist(), strict=True)])
    totals = torch.stack([dice, (entropy * text).sum() + hardest.sum()])
    return LossSums(totals, torch.stack([has_text.sum(), (positives + wanted).sum()]).to(logits.dtype))
