"""The output layer and its cross-entropy for all heads, computed in blocks.

The logits of all characters at once may not fit in memory: there can be 9,000 classes.
"""

from typing import Any

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

_LOGITS_BYTES = 256 * 2**20
"""Most bytes of logits in one block."""


def weighted_nll(states: Tensor, output: Tensor, bias: Tensor, characters: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
    """Return each head's weighted loss and the loss of every character.

    The first is the sum of -log p under ``weights``, (m,). The second is -log p, (m, n). ``states``
    is (m, n, h), ``output`` (m, h, c), ``bias`` (m, c) and ``weights`` (m, n). ``characters`` are
    classes, (n,) or (m, n). The sum has gradients for everything, including the weights. The second result has
    none.
    """
    results: tuple[Tensor, Tensor] = _WeightedNLL.apply(states, output, bias, characters, weights)  # type: ignore[no-untyped-call]
    return results


class _WeightedNLL(torch.autograd.Function):
    """Computes gradients together with the loss, in one pass over the blocks.

    Since the weights are known, the gradient of a block follows from its logits while they are at
    hand. The logits are never stored.
    """

    @staticmethod
    def forward(ctx: Any, states: Tensor, output: Tensor, bias: Tensor, characters: Tensor, weights: Tensor) -> tuple[Tensor, Tensor]:
        m, n, _ = states.shape
        learning = any(ctx.needs_input_grad)
        nll = states.new_empty(m, n)
        grad_states, grad_output, grad_bias = torch.empty_like(states), torch.zeros_like(output), torch.zeros_like(bias)
        block = max(1, _LOGITS_BYTES // (bias.numel() * states.element_size()))
        for start in range(0, n, block):
            part = slice(start, start + block)
            logits = torch.baddbmm(bias[:, None], states[:, part], output)  # (m, block, c)
            target = characters[..., part].expand(m, -1)[..., None]
            # -log p = log(sum(exp(logits - highest))) + highest - logits[target], in place. After
            # this, ``logits`` holds exp(logits - highest).
            highest = logits.amax(-1, keepdim=True)
            target_logit = logits.gather(-1, target)
            total = logits.sub_(highest).exp_().sum(-1, keepdim=True)
            nll[:, part] = (total.log() + highest - target_logit)[..., 0]
            if learning:
                # The gradient of the logits is weight * (p - one-hot of the target), with p =
                # exp(logits - highest) / total.
                weight = weights[:, part, None]
                grad_logits = logits.mul_(weight / total).scatter_add_(-1, target, -weight)
                torch.bmm(grad_logits, output.transpose(1, 2), out=grad_states[:, part])
                grad_output.baddbmm_(states[:, part].transpose(1, 2), grad_logits)
                grad_bias += grad_logits.sum(1)
        ctx.save_for_backward(grad_states, grad_output, grad_bias, nll)
        ctx.mark_non_differentiable(nll)
        return (weights * nll).sum(1), nll

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor, None, Tensor]:
        grad_states, grad_output, grad_bias, nll = ctx.saved_tensors
        # The gradients in ``forward`` are those of the plain sum of heads, so each head's share is
        # scaled by its incoming gradient.
        scale = gradients[0][:, None]
        return grad_states * scale[..., None], grad_output * scale[..., None], grad_bias * scale, None, nll * scale
