"""The losses on the map of shrunk words, as sums and counts that can be added over workers."""

from typing import NamedTuple

import torch
from torch import Tensor

from raygroup.model.spotter.losses import dice_sum, hard_negative_sum

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

    They are those of ``dice_sum`` and ``hard_negative_sum``: pixels are chosen in each sample, so the
    samples can be divided among workers.
    """
    dice, samples = dice_sum(logits.sigmoid(), text, weight)
    entropy, pixels = hard_negative_sum(logits, text, weight, hard_negatives, _FEWEST_NEGATIVES)
    return LossSums(torch.stack([dice, entropy]), torch.stack([samples, pixels]).to(logits.dtype))
