"""The output layer and its cross-entropy, all heads at once, in memory that neither the batch nor 9,000 classes can break."""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_LOGITS_BYTES = 256 * 2**20
"""Logits held at a time; characters beyond that wait for the next block."""


def weighted_nll(states: Tensor, output: Tensor, bias: Tensor, characters: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """-log p of characters, and each head's sum of them under ``weights``: (m,) to descend, and (m, n) to look at.

    ``states`` (m, n, h), ``output`` (m, h, c), ``bias`` (m, c), ``characters`` (n,) are classes, ``weights`` (m, n). The sum has
    gradients for everything, weights included; the second has none. Since the weights are known, gradients of the output layer are
    formed block by block as its logits are, which are never stored.
    """
    found: tuple[Tensor, Tensor] = _WeightedNLL.apply(states, output, bias, characters, weights)  # type: ignore[no-untyped-call]
    return found


class _WeightedNLL(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, states: Tensor, output: Tensor, bias: Tensor, characters: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        m, n, _ = states.shape
        learning = any(ctx.needs_input_grad)
        nll = states.new_empty(m, n)
        of_states, of_output, of_bias = torch.empty_like(states), torch.zeros_like(output), torch.zeros_like(bias)
        rows = max(1, _LOGITS_BYTES // (bias.numel() * states.element_size()))
        for start in range(0, n, rows):
            part = slice(start, start + rows)
            logits = torch.baddbmm(bias[:, None], states[:, part], output)
            target = characters[part].expand(m, -1)[..., None]
            highest = logits.amax(-1, keepdim=True)
            right = logits.gather(-1, target)
            total = logits.sub_(highest).exp_().sum(-1, keepdim=True)
            nll[:, part] = (total.log() + highest - right)[..., 0]
            if learning:
                weight = weights[:, part, None]
                of_logits = logits.mul_(weight / total).scatter_add_(-1, target, -weight)
                torch.bmm(of_logits, output.transpose(1, 2), out=of_states[:, part])
                of_output.baddbmm_(states[:, part].transpose(1, 2), of_logits)
                of_bias += of_logits.sum(1)
        ctx.save_for_backward(of_states, of_output, of_bias, nll)
        ctx.mark_non_differentiable(nll)
        return (weights * nll).sum(1), nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, Tensor]:
        of_states, of_output, of_bias, nll = ctx.saved_tensors
        scale = gradients[0][:, None]
        return of_states * scale[..., None], of_output * scale[..., None], of_bias * scale, None, nll * scale
