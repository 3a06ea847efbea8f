"""The losses: one function per numbered equation of the paper, its letters as shape suffixes."""

import torch
import torch.nn.functional as F
from torch import Tensor


def task_loss(logits_wt: Tensor, p_wt: Tensor) -> Tensor:
    """Eq. (2): cross-entropy of the task classifier against P_WT, mean over words (scalar).

    For words of a known task P_WT is one-hot and this is the paper's; for others it holds shares of characters.
    """
    return -(p_wt * logits_wt.log_softmax(-1)).sum(-1).mean()


def sequence_loss(logits: Tensor, targets: Tensor, words: Tensor, lengths: Tensor, length: str = "mean") -> Tensor:
    """Eq. (5): NLL_WM (w, m), each head's negative log likelihood of each word's characters and end.

    ``logits`` (m, n, c) and ``targets`` (n,) list the characters of all words, ``words`` (n,) the word of each; ``lengths`` (w,).
    ``mean`` divides by the word's length as the paper does; ``sum`` does not, as the released code.
    """
    nll = F.cross_entropy(logits.flatten(0, 1), targets.repeat(len(logits)), reduction="none").view(len(logits), -1)
    nll_wm = nll.new_zeros(len(lengths), len(logits)).index_add(0, words, nll.T)
    return nll_wm / lengths.to(nll.device)[:, None] if length == "mean" else nll_wm


def integrated_loss(p_wm: Tensor, nll_wm: Tensor, base_coefficient: float = 0.0, words: str = "mean") -> Tensor:
    """Eq. (6), and Eq. (8) with epsilon > 0: every head's loss on every word, weighted by its probability plus epsilon (scalar).

    The paper sums over words; ``mean`` (the released code) keeps the rate independent of the batch.
    """
    per_word = ((p_wm + base_coefficient) * nll_wm).sum(-1)
    return per_word.mean() if words == "mean" else per_word.sum()


def grouping_loss(p_tm: Tensor, min_tasks: float = 1.0) -> Tensor:
    """Eq. (9): how far each model is from the ``min_tasks`` tasks it should handle (scalar, >= 0; mean over draws if several)."""
    return (min_tasks - p_tm.sum(dim=-2)).clamp(min=0).sum(dim=-1).mean()


def control_loss(nll_wm: Tensor, base_coefficient: float = 0.0, words: str = "mean") -> Tensor:
    """Eq. (8) with every head given the mean loss over heads (scalar).

    Rows of P_WM sum to one, so it leaves the sum and R_TM gets no gradient from recognition: only noise and Eq. (9) move it. The
    heads still learn.
    """
    return integrated_loss(torch.full_like(nll_wm, 1 / nll_wm.shape[-1]), nll_wm, base_coefficient, words)
