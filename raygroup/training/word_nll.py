"""The teacher-forced loss of test words under every head of a trained trial."""

import numpy as np
import torch
from numpy.typing import NDArray

from raygroup.model.heads.bank import BEGIN
from raygroup.model.losses import sequence_loss
from raygroup.training.label_batches import longest_first, make_batch
from raygroup.training.packs.trained_trial import TrainedTrial

_READ_AT_ONCE = 1024
"""Most words of one pass, each counted once for every head. It bounds the memory."""


@torch.no_grad()
def word_nll(trained: TrainedTrial, rows: NDArray[np.intp]) -> NDArray[np.float32]:
    """Return Eq. (5) of words under each head, (w, m): the mean of -log p over a word's characters and its end.

    It is nan for a word with a character that no head can write. ``rows`` are those of the word store.
    """
    data, bank = trained.data, trained.bank
    nll_wm = np.full((len(rows), bank.heads), np.nan, np.float32)
    order = longest_first(data.lengths[rows])
    size = max(1, _READ_AT_ONCE // bank.heads)
    for start in range(0, len(rows), size):
        places = order[start : start + size]
        block = rows[places]
        words = torch.from_numpy(data.features.rows(block)).to(trained.r_tm.dtype)
        batch = make_batch(words, data.targets[block], data.lengths[block]).to(trained.device)
        no_weights = batch.words.new_zeros(bank.heads, len(batch.characters))
        _, nll = bank.losses(batch.words, batch.inputs, batch.characters, batch.active, no_weights, trained.kernels)
        nll_wm[places] = sequence_loss(nll, batch.owners, batch.lengths).cpu().numpy()
    nll_wm[_unwritable(data.targets[rows], data.lengths[rows])] = np.nan
    return nll_wm


def _unwritable(targets: NDArray[np.int32], lengths: NDArray[np.int32]) -> NDArray[np.bool_]:
    """Mark the words with a character outside the charset, (w,)."""
    is_label = np.arange(targets.shape[1]) < lengths[:, None]
    marks: NDArray[np.bool_] = ((targets == BEGIN) & is_label).any(1)
    return marks
