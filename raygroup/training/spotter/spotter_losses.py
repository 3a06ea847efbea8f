"""The losses of a whole spotter, as sums and counts that can be added over workers."""

import torch
import torch.nn.functional as F
from torch import Tensor

from raygroup.model.grouping import task_model_probabilities, word_model_probabilities
from raygroup.model.losses import grouping_loss
from raygroup.model.spotter.recognition import RecognitionHeads
from raygroup.spotting_config import LOSSES, SpotterHeads
from raygroup.training.label_batches import Batch

Sums = dict[str, tuple[Tensor, float]]
"""Name of a loss -> its sum, with gradients, and the number to divide it by."""


def box_sums(logits: Tensor, changes: Tensor, labels: Tensor, deltas: Tensor) -> Sums:
    """Return the losses of scores (r, 2) and of box changes (r, 8). Both are divided by the number of regions."""
    score = F.cross_entropy(logits, labels, reduction="sum")
    text = (labels == 1)[:, None].to(changes.dtype)
    change = (F.smooth_l1_loss(changes[:, 4:], deltas, reduction="none") * text).sum()
    return {"box_score": (score, len(labels)), "box_change": (change, len(labels))}


def mask_sums(logits: Tensor, targets: Tensor) -> Sums:
    """Return the loss of instance masks (w, s, s): a word's is the mean over its pixels."""
    each = F.binary_cross_entropy_with_logits(logits, targets.to(logits.dtype), reduction="none")
    return {"mask": (each.sum() / max(each[0].numel() if len(each) else 1, 1), len(logits))}


def language_sums(logits: Tensor, tasks: Tensor) -> Sums:
    """Return Eq. (2) of words whose task is known."""
    return {"language": (F.cross_entropy(logits, tasks, reduction="sum"), len(tasks))}


def distillation_sums(features: Tensor, targets: Tensor) -> Sums:
    """Return the mean square of the difference of word features (w, l, f), summed over words."""
    return {"distillation": ((features - targets.to(features.dtype)).square().mean((1, 2)).sum(), len(features))}


def reading_sums(
    recognition: RecognitionHeads, features: Tensor, batch: Batch, tasks: Tensor, r_tm: Tensor, gumbel: Tensor, settings: SpotterHeads,
    is_first: bool,
) -> Sums:  # fmt: skip
    """Return Eq. (3) to (9): recognition over words, and grouping.

    ``gumbel`` (t, m) is the noise of the whole step. ``is_first`` is True for the one worker that
    carries the grouping loss, which has no words. Words that CTC heads cannot write are not among the
    words of the mean.
    """
    p_tm = task_model_probabilities(r_tm, gumbel, settings.temperature)
    p_wt = F.one_hot(tasks, len(r_tm)).to(p_tm.dtype)
    p_wm = word_model_probabilities(p_wt, p_tm)
    totals = recognition.word_losses(features, [batch], p_wm + settings.base_coefficient)
    num_words = int(recognition.spellable([batch]).sum())
    grouping = grouping_loss(p_tm, settings.min_tasks) * is_first
    return {"recognition": (totals.sum(), num_words), "grouping": (grouping, float(is_first))}


def stack_sums(sums: Sums, like: Tensor) -> tuple[Tensor, Tensor]:
    """Return the sums and the counts in the order of ``LOSSES``. A loss that was not computed is 0."""
    totals = torch.stack([sums[name][0] if name in sums else like.new_zeros(()) for name in LOSSES])
    return totals, like.new_tensor([sums[name][1] if name in sums else 0.0 for name in LOSSES])
