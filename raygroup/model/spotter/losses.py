"""The losses of a spotter. The total is their plain sum.

Shapes: n images, r regions, w words, t tasks, m heads. A loss without anything to learn from is a
zero that still reaches its inputs, so that all workers of a step have the same graph.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

MOST_MASKS = 48
"""Positive regions of an image that the mask loss uses, in the order of the regions."""
RECOGNITION = 0.5
"""Weight of the released code's recognition loss."""
_TINY = 1e-6


def dice_loss(probability: Tensor, text: Tensor, weight: Tensor) -> Tensor:
    """Return 1 - 2 |p t| / (|p| + |t|), averaged over images that have text.

    All are (n, h, w). ``text`` is 1 inside shrunk words, and ``weight`` 0 where nothing is learned.
    The released code has one fraction for a whole batch, which is the same for one image with text.
    """
    total, images = dice_sum(probability, text, weight)
    return total / images.clamp(min=1)


def dice_sum(probability: Tensor, text: Tensor, weight: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sum of ``dice_loss`` over images that have text, and their number."""
    overlap = (probability * text * weight).sum((1, 2))
    total = (probability * weight).sum((1, 2)) + (text * weight).sum((1, 2))
    has_text = ((text * weight).sum((1, 2)) > 0).to(probability.dtype)
    return ((1 - 2 * overlap / (total + _TINY)) * has_text).sum(), has_text.sum()


def hard_negative_loss(logits: Tensor, text: Tensor, weight: Tensor, negatives: float = 3.0, least: int = 2000) -> Tensor:
    """Return the mean cross-entropy of text pixels and of the hardest other pixels (n, h, w).

    They are chosen among the pixels of all images, as ``hard_negative_sum`` does for one.
    """
    all_logits, all_text, all_weight = (values.reshape(1, 1, -1) for values in (logits, text, weight))
    total, pixels = hard_negative_sum(all_logits, all_text, all_weight, negatives, least)
    return total / pixels.clamp(min=1)


def hard_negative_sum(logits: Tensor, text: Tensor, weight: Tensor, negatives: float, least: int) -> tuple[Tensor, Tensor]:
    """Return the cross-entropy of text pixels and of the hardest other pixels (n, h, w), and the number of both.

    In each image there are ``negatives`` times as many hard pixels as text pixels, and at least
    ``least`` if it has so many. Weights are 0 or 1.
    """
    each = F.binary_cross_entropy_with_logits(logits, text, reduction="none") * weight
    positives = (text * weight).sum((1, 2))
    others = ((1 - text) * weight).sum((1, 2))
    counts = (negatives * positives).clamp(min=least).minimum(others).long()
    pairs = zip(each * (1 - text), counts.tolist(), strict=True)
    hardest = torch.stack([values.flatten().topk(count).values.sum() for values, count in pairs])
    return (each * text).sum() + hardest.sum(), (positives + counts).sum()


def box_losses(logits: Tensor, changes: Tensor, labels: Tensor, targets: Tensor) -> tuple[Tensor, Tensor]:
    """Return the losses of scores and of box changes.

    ``labels`` (r,) is 1 for text and 0 for background. ``targets`` (r, 4) are the changes that a
    text region should have. Their smooth L1 is summed over text regions and divided by all regions.
    """
    regions = max(len(labels), 1)
    score = F.cross_entropy(logits, labels, reduction="sum") / regions
    text = (labels == 1)[:, None].to(changes.dtype)
    change = (F.smooth_l1_loss(changes[:, 4:], targets, reduction="none") * text).sum() / regions
    return score, change


def first_positives(labels: Tensor, images: Tensor, most: int = MOST_MASKS) -> Tensor:
    """Return the numbers of the first text regions of each image.

    ``labels`` and ``images`` are (r,): 1 for text, and the image of each region.
    """
    positive = (labels == 1).nonzero()[:, 0]
    same_image = images[positive][:, None] == images[positive][None]
    rank = (same_image.tril(-1)).sum(1)
    return positive[rank < most]


def mask_loss(logits: Tensor, targets: Tensor) -> Tensor:
    """Return the mean cross-entropy of instance masks. Both are (r, s, s)."""
    if not len(logits):
        return logits.sum()
    return F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype))


def language_loss(logits: Tensor, tasks: Tensor) -> Tensor:
    """Return the mean cross-entropy of tasks. ``logits`` is (w, t) and ``tasks`` (w,)."""
    return F.cross_entropy(logits, tasks, reduction="sum") / max(len(tasks), 1)


def recognition_weights(p_wm: Tensor, owners: Tensor, num_words: int | None = None, scale: float = RECOGNITION) -> Tensor:
    """Return the weight of each character's loss under each head, (m, n).

    ``p_wm`` (w, m) weights heads by words, epsilon included, and ``owners`` (n,) is the word of each
    character. The loss of a word is the sum over its characters, and words are averaged.
    """
    return (scale / (num_words or max(len(p_wm), 1)) * p_wm)[owners].T


def grouping_losses(p_tm: Tensor, min_tasks: float = 1.0) -> Tensor:
    """Eq. (9): return each head's shortfall of tasks, (m,).

    ``losses.grouping_loss`` is their sum.
    """
    return (min_tasks - p_tm.sum(-2)).clamp(min=0)


def segmentation_loss(logits: Tensor, text: Tensor, weight: Tensor, hard_negatives: bool = False) -> Tensor:
    """Return the loss of the map of text: dice, and with ``hard_negatives`` the cross-entropy too."""
    dice = dice_loss(torch.sigmoid(logits), text, weight)
    return dice + hard_negative_loss(logits, text, weight) if hard_negatives else dice
