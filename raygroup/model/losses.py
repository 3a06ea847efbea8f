"""The losses: one function per numbered equation of the paper, its letters as shape suffixes; leading axes are trials of a pack.

Where words are a share of a step's, ``num_words`` is how many the whole step has, by default as many as are given: losses of shares then
add up to the step's.
"""

import torch
from torch import Tensor


def task_loss(logits_wt: Tensor, p_wt: Tensor, num_words: int | None = None) -> Tensor:
    """Eq. (2): cross-entropy of the task classifier (..., w, t) against P_WT, mean over words.

    For words of a known task P_WT is one-hot and this is the paper's; for others it holds shares of characters.
    """
    return -_mean((p_wt * logits_wt.log_softmax(-1)).sum(-1), num_words)


def sequence_loss(nll: Tensor, words: Tensor, lengths: Tensor, length: str = "mean") -> Tensor:
    """Eq. (5): NLL_WM (w, m), each head's negative log likelihood of each word's characters and end.

    ``nll`` (m, n) is that of every character, ``words`` (n,) the word of each; ``lengths`` (w,). ``mean`` divides by the word's length
    as the paper does; ``sum`` does not, as the released code. A word of length 0 has none.
    """
    nll_wm = nll.new_zeros(len(lengths), len(nll)).index_add(0, words, nll.T)
    return nll_wm / lengths.clamp(min=1)[:, None] if length == "mean" else nll_wm


def integrated_loss(
    p_wm: Tensor, nll_wm: Tensor, base_coefficient: float | Tensor = 0.0, words: str = "mean", num_words: int | None = None
) -> Tensor:
    """Eq. (6), and Eq. (8) with epsilon > 0: every head's loss on every word (..., w, m), weighted by its probability plus epsilon.

    The paper sums over words; ``mean`` (the released code) keeps the rate independent of the batch.
    """
    per_word = ((p_wm + base_coefficient) * nll_wm).sum(-1)
    return _mean(per_word, num_words) if words == "mean" else per_word.sum(-1)


def word_weights(
    p_wm: Tensor, lengths: Tensor, base_coefficient: float | Tensor = 0.0, length: str = "mean", words: str = "mean",
    num_words: int | None = None,
) -> Tensor:  # fmt: skip
    """What the negative log likelihood of one character of each word counts in Eq. (8) through Eq. (5): (..., w, m), the derivative of
    ``integrated_loss`` of ``sequence_loss``. Words without characters count among the words of the mean."""
    weights = p_wm + base_coefficient
    if length == "mean":
        weights = weights / lengths.clamp(min=1)[:, None]
    return weights / (num_words or max(len(lengths), 1)) if words == "mean" else weights


def grouping_loss(p_tm: Tensor, min_tasks: float | Tensor = 1.0) -> Tensor:
    """Eq. (9): how far each model is from the ``min_tasks`` (..., m) tasks it should handle, summed over models: (...) >= 0."""
    return (min_tasks - p_tm.sum(dim=-2)).clamp(min=0).sum(dim=-1)


def control_probabilities(p_wm: Tensor, heads: float | Tensor) -> Tensor:
    """P_WM of the control: every one of the ``heads`` alike, so that every head is given the mean loss over heads in Eq. (8).

    Rows of P_WM sum to one, so R_TM gets no gradient from recognition: only noise and Eq. (9) move it. The heads still learn.
    """
    return torch.ones_like(p_wm) / heads


def _mean(per_word: Tensor, num_words: int | None) -> Tensor:
    return per_word.sum(-1) / (num_words or per_word.shape[-1])
