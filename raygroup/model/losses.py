"""The losses of the paper, one function for each numbered equation.

Suffixes are the paper's letters: w words, t tasks, m heads. Leading axes are the trials of a pack.
A worker may hold only a share of a step's words. It then passes ``num_words``, the number of words
of the whole step, so that the losses of all shares add up to the loss of the step. By default,
``num_words`` is the number of words in the arguments.
"""

import torch
from torch import Tensor


def task_loss(logits_wt: Tensor, p_wt: Tensor, num_words: int | None = None) -> Tensor:
    """Eq. (2): return the task classifier's cross-entropy with P_WT, averaged over words.

    ``logits_wt`` is (..., w, t). If a word's task is known, its row of P_WT is one-hot and this is
    the paper's loss. For other words, P_WT holds the shares of their characters that each task can
    spell.
    """
    return -_mean((p_wt * logits_wt.log_softmax(-1)).sum(-1), num_words)


def sequence_loss(nll: Tensor, words: Tensor, lengths: Tensor, length: str = "mean") -> Tensor:
    """Eq. (5): return NLL_WM (w, m), the negative log-likelihood of each word under each head.

    ``nll`` (m, n) has the value of every character and ``words`` the word that each belongs to: (n,),
    or (m, n) if every head has words of its own. The loss of a word that a head does not read is 0.
    A word's end counts as a character. ``mean`` divides by the word's length ``lengths`` (w,), as
    the paper does. ``sum`` does not, as in the released code. The loss of a word of length 0 is 0.
    """
    if words.dim() == 2:
        nll_wm = nll.new_zeros(len(nll), len(lengths)).scatter_add(1, words, nll).T
    else:
        nll_wm = nll.new_zeros(len(lengths), len(nll)).index_add(0, words, nll.T)
    return nll_wm / lengths.clamp(min=1)[:, None] if length == "mean" else nll_wm


def integrated_loss(
    p_wm: Tensor, nll_wm: Tensor, base_coefficient: float | Tensor = 0.0, words: str = "mean", num_words: int | None = None
) -> Tensor:
    """Eq. (6) and (8): return the loss of all heads on all words, weighted by P_WM plus epsilon.

    Both matrices are (..., w, m), and epsilon is ``base_coefficient``: 0 gives Eq. (6). The paper
    sums over words. ``mean``, which the released code uses, keeps the learning rate independent of
    the batch size.
    """
    per_word = ((p_wm + base_coefficient) * nll_wm).sum(-1)
    return _mean(per_word, num_words) if words == "mean" else per_word.sum(-1)


def word_weights(
    p_wm: Tensor, lengths: Tensor, base_coefficient: float | Tensor = 0.0, length: str = "mean", words: str = "mean",
    num_words: int | None = None,
) -> Tensor:  # fmt: skip
    """Return the weight of one character's loss in Eq. (8), (..., w, m).

    This is the derivative of ``integrated_loss`` of ``sequence_loss`` by the negative
    log-likelihood of a character. Words without characters count among the words of the mean.
    """
    weights = p_wm + base_coefficient
    if length == "mean":
        weights = weights / lengths.clamp(min=1)[:, None]
    return weights / (num_words or max(len(lengths), 1)) if words == "mean" else weights


def grouping_loss(p_tm: Tensor, min_tasks: float | Tensor = 1.0) -> Tensor:
    """Eq. (9): return how far the heads are from handling ``min_tasks`` tasks each, (...).

    ``min_tasks`` is one number or (..., m). The shortfalls, which are 0 or more, are summed over
    heads.
    """
    return (min_tasks - p_tm.sum(dim=-2)).clamp(min=0).sum(dim=-1)


def control_probabilities(p_wm: Tensor, heads: float | Tensor) -> Tensor:
    """Return P_WM of the control experiment.

    Each of the ``heads`` heads has the same probability. Eq. (8) then gives the mean loss over
    heads. The rows of P_WM still sum to one, but R_TM gets no gradient from recognition: only noise
    and Eq. (9) move it. The heads still learn.
    """
    return torch.ones_like(p_wm) / heads


def _mean(per_word: Tensor, num_words: int | None) -> Tensor:
    return per_word.sum(-1) / (num_words or per_word.shape[-1])
