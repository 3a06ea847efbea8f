"""The words of a step by task.

A word counts for its most likely task, as where words are drawn by task.

Shapes: k trials, w words, t tasks, m heads of the largest trial, n characters.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.randomness import generator
from raygroup.training.packs.inputs import StepInputs, draw_inputs, make_inputs
from raygroup.training.packs.sharding import Share
from raygroup.training.packs.training_data import TrainingData


def task_sums(nll_kwm: Tensor, p_wt: Tensor) -> Tensor:
    """Return the sum of NLL_WM over the words of each task, and the numbers of words, (k, t * m + t)."""
    is_of_task = _tasks_of(p_wt)[:, None] == torch.arange(p_wt.shape[1], device=p_wt.device)
    members_wt = is_of_task.to(nll_kwm.dtype)
    sums = (nll_kwm[:, :, None] * members_wt[..., None]).sum(1)
    return torch.cat([sums.flatten(1), members_wt.sum(0).expand(len(nll_kwm), -1)], 1)


def task_means(sums: Tensor, tasks: int) -> tuple[Tensor, Tensor]:
    """Return the mean NLL_WM of each task's words, (k, t, m), 0 without words, and their numbers (k, t), from ``task_sums``."""
    nll, words = sums[:, :-tasks], sums[:, -tasks:]
    return nll.reshape(len(nll), tasks, -1) / words.clamp(min=1)[..., None], words


def evidence_inputs(data: TrainingData, trials: Sequence[Trial], step: int, share: Share) -> StepInputs:
    """Return a share of the words that evidence comes from: those of the step, or as many of each task as the trials want.

    The trials of a pack share the words. Each hides its own characters.
    """
    num_words = trials[0].training.evidence_words
    if not num_words:
        return draw_inputs(data, trials, step, share=share)
    random = generator(trials[0].order_seed, "evidence words", step)
    rows = [group[random.integers(0, len(group), num_words)] for group in data.train_by_task]
    return make_inputs(data, trials, np.concatenate(rows), step, share=share, dropout="evidence word dropout")


def count_words(inputs: StepInputs) -> Tensor:
    """Return the number of words of each task, (t,)."""
    return torch.bincount(_tasks_of(inputs.p_wt), minlength=inputs.p_wt.shape[1])


def select_task(inputs: StepInputs, task: int) -> StepInputs:
    """Return the words of one task, in the same order. The inputs must have no padding."""
    chosen = _tasks_of(inputs.p_wt) == task
    kept = chosen[inputs.owners]
    lengths = inputs.lengths[chosen]
    steps = torch.arange(int(lengths.max()) if len(lengths) else 0, device=lengths.device)
    return replace(
        inputs, words=inputs.words[chosen], p_wt=inputs.p_wt[chosen], lengths=lengths, characters=inputs.characters[kept],
        inputs=inputs.inputs[:, kept], owners=(chosen.cumsum(0) - 1)[inputs.owners[kept]],
        active=tuple((lengths[:, None] > steps).sum(0).tolist()),
    )  # fmt: skip


def _tasks_of(p_wt: Tensor) -> Tensor:
    return p_wt.argmax(1)
