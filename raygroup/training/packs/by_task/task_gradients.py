"""The gradients of tasks on the weights of heads, and what a step along each does.

Shapes: k trials, t tasks, h heads of all trials side by side, w words, n characters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import Kernels
from raygroup.model.losses import sequence_loss
from raygroup.training.packs.by_task.task_words import count_words, select_task, task_sums
from raygroup.training.packs.inputs import StepInputs
from raygroup.training.packs.sharding import WorkerRank

_OUTER = ("embedding", "output", "output_bias")
"""Weights of single characters. Tasks without common characters push each other's down there."""
_LOSS_FLOOR = 0.01
"""Nats. Below it, a lookahead is the difference of the losses by this, so that a loss near 0 cannot blow it up."""


@dataclass(frozen=True)
class HeadsAndWords:
    """The heads of a pack, and this worker's parts of some words."""

    bank: HeadBank
    trial_of_head: Tensor
    kernels: Kernels
    length: str
    """``loss.length``: whether a word's loss is the mean over its characters, or their sum."""
    worker: WorkerRank
    parts: Sequence[StepInputs]

    def word_counts(self) -> Tensor:
        """Return the number of words of each task over all workers, (t,)."""
        counts = torch.stack([count_words(part) for part in self.parts]).sum(0)
        self.worker.all_reduce([counts])
        return counts


@dataclass(frozen=True)
class TaskGradients:
    """For each task, the gradients of its mean loss on the heads."""

    names: tuple[str, ...]
    """Names of the bank's parameters."""
    gradients: Sequence[Sequence[Tensor]]
    """Task by task, one tensor for each parameter. The first axis is the head."""
    losses_ht: Tensor
    """Mean NLL of each task's words under each head, (h, t)."""
    words_t: Tensor

    def products(self, heads: slice) -> tuple[Tensor, Tensor]:
        """Return the products of the tasks' gradients on some heads side by side, (t, t): all weights, and without those of characters."""
        is_outer = [name in _OUTER for name in self.names]
        outer = self._rows(heads, [place for place, outer in enumerate(is_outer) if outer])
        inner = self._rows(heads, [place for place, outer in enumerate(is_outer) if not outer])
        inner_products = inner @ inner.T
        return inner_products + outer @ outer.T, inner_products

    def _rows(self, heads: slice, places: Sequence[int]) -> Tensor:
        return torch.stack([torch.cat([of_task[place][heads].flatten() for place in places]) for of_task in self.gradients])


def task_gradients(material: HeadsAndWords) -> TaskGradients:
    """Return the gradients of all tasks. Each takes one pass over the task's own words, for all heads at once."""
    bank, words_t = material.bank, material.word_counts()
    parameters = list(bank.parameters())
    gradients = [[torch.zeros_like(parameter, requires_grad=False) for parameter in parameters] for _ in range(len(words_t))]
    losses_ht = torch.zeros(bank.heads, len(words_t), device=words_t.device, dtype=parameters[0].dtype)
    for part in material.parts:
        present = count_words(part).tolist()
        for task in [task for task, count in enumerate(present) if count]:
            own = select_task(part, task)
            totals = _head_losses(material, own, words_t[task])
            for place, gradient in enumerate(torch.autograd.grad(totals.sum(), parameters)):
                gradients[task][place] += gradient
            losses_ht[:, task] += totals.detach()
    material.worker.all_reduce([*(tensor for of_task in gradients for tensor in of_task), losses_ht])
    return TaskGradients(tuple(name for name, _ in bank.named_parameters()), gradients, losses_ht, words_t)


def _head_losses(material: HeadsAndWords, words: StepInputs, count: Tensor) -> Tensor:
    """Return the share of these words in the mean loss of ``count`` words under each head, (h,)."""
    bank, dtype = material.bank, material.bank.output.dtype
    lengths = words.lengths.to(dtype) if material.length == "mean" else torch.ones_like(words.lengths, dtype=dtype)
    weights_hn = (1 / (lengths * count))[words.owners].expand(bank.heads, -1).contiguous()
    features = words.words.to(dtype)
    before = words.inputs[material.trial_of_head]
    return bank.losses(features, before, words.characters, words.active, weights_hn, material.kernels)[0]


@torch.no_grad()
def lookahead(material: HeadsAndWords, gradients: TaskGradients, steps: Sequence[Sequence[Tensor]]) -> Tensor:
    """Return what a step of all heads on each task does to the losses of all, (h, t, t): before, less after, row i by the step on task i.

    ``steps`` are those of each task, as ``gradients``. The weights are as before when this returns, bit for bit. Rows and columns of tasks
    without words are 0.
    """
    parameters = list(material.bank.parameters())
    originals = [parameter.clone() for parameter in parameters]
    present = [task for task, count in enumerate(gradients.words_t.tolist()) if count]
    sums = [gradients.losses_ht.new_zeros(gradients.losses_ht.shape) for _ in gradients.gradients]
    for task in present:
        for parameter, original, step in zip(parameters, originals, steps[task], strict=True):
            parameter.copy_(original - step)
        for part in material.parts:
            sums[task] += _losses_of_tasks(material, part)
    for parameter, original in zip(parameters, originals, strict=True):
        parameter.copy_(original)
    material.worker.all_reduce(sums)
    after = torch.stack([total / gradients.words_t.clamp(min=1) for total in sums], 1)
    is_present = gradients.words_t > 0
    return torch.where(is_present[:, None] & is_present, gradients.losses_ht[:, None] - after, 0.0)


def _losses_of_tasks(material: HeadsAndWords, words: StepInputs) -> Tensor:
    """Return the sum of the losses of each task's words under each head, (h, t)."""
    bank = material.bank
    if not len(words.lengths):
        return bank.output.new_zeros(bank.heads, words.p_wt.shape[1])
    before = words.inputs[material.trial_of_head]
    weights = bank.output.new_zeros(bank.heads, len(words.characters))
    _, nll = bank.losses(words.words.to(bank.output.dtype), before, words.characters, words.active, weights, material.kernels)
    # A copy: a sum along other strides rounds differently, and a trial would have other bits alone than in a pack.
    nll_hw = sequence_loss(nll, words.owners, words.lengths, material.length).T.contiguous()
    return task_sums(nll_hw[..., None], words.p_wt)[:, : words.p_wt.shape[1]]


def relative_change(difference_htt: Tensor, losses_ht: Tensor) -> Tensor:
    """Return the lookahead of heads side by side, (t, t): 1 - loss after / loss before, of the means over these heads."""
    return difference_htt.mean(0) / losses_ht.mean(0).clamp(min=_LOSS_FLOOR)
