"""AdamW for a pack. Every trial has its own learning rates, moments and gradient clipping."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from raygroup.model.heads.bank import HeadBank
from raygroup.model.task_classifier import TaskClassifiers

_VECTOR = 16
"""Numbers of the longest vector of a CPU in single precision. Shorter ones divide it."""


class Rates(NamedTuple):
    """The learning rates and the weight decay of one trial."""

    weights: float
    """Learning rate of heads and classifier before the first step.

    A schedule changes it from step to step.
    """
    decay: float
    """Weight decay of heads and classifier. R_TM has none."""
    assignment: float
    """Learning rate of R_TM before the first step. Its own schedule may change it."""


class PackOptimizer:
    """AdamW (Loshchilov and Hutter, 2019) for stacked parameters, in place.

    A trial's rows are updated by one fused call, so its numbers do not depend on the trials beside
    it. The optimizer calls the operator behind torch's AdamW(fused=True) directly: torch's class
    takes whole parameters only, and importing it takes a second.
    """

    def __init__(
        self, bank: HeadBank, classifiers: TaskClassifiers, assignment: Tensor | None, starts: Sequence[int], rates: Sequence[Rates],
        captured: bool = False,
    ) -> None:  # fmt: skip
        """``assignment`` is R_TM (k, t, m), or None if it is fixed.

        ``starts`` are the first head of each trial, and then the number of heads. With
        ``captured``, the learning rates are tensors on the device, where a CUDA graph reads them.
        """
        self.stacks: list[Tensor] = [*bank.parameters(), *classifiers.parameters()] + ([] if assignment is None else [assignment])
        self.num_bank_stacks, self.trains_assignment = len(list(bank.parameters())), assignment is not None
        self.starts, self.rates = starts, list(rates)
        self.first, self.second = ([torch.zeros_like(stack, requires_grad=False) for stack in self.stacks] for _ in range(2))
        device = self.stacks[0].device
        self.steps = [torch.zeros((), device=device) for _ in rates]

        def on_device(rate: float) -> float | Tensor:
            return torch.tensor(rate, device=device) if captured else rate

        self.learning_rates = [on_device(rate.weights) for rate in rates]
        self.assignment_rates = [on_device(rate.assignment) for rate in rates]

    def set_rates(self, weights: Sequence[float], assignment: Sequence[float]) -> None:
        """Set each trial's learning rate of heads and classifier, and that of R_TM."""
        for current_rates, rates in ((self.learning_rates, weights), (self.assignment_rates, assignment)):
            for number, rate in enumerate(rates):
                current = current_rates[number]
                if isinstance(current, Tensor):
                    current.fill_(rate)
                else:
                    current_rates[number] = rate

    def zero_grad(self) -> None:
        for stack in self.stacks:
            stack.grad = None

    def gradients(self) -> list[Tensor]:
        """Return the gradients that exist, in the order of the stacks.

        Callers may change them in place.
        """
        return [stack.grad for stack in self.stacks if stack.grad is not None]

    @torch.no_grad()
    def step(self) -> None:
        """Take one step. Stacks without a gradient keep their weights and moments."""
        gradients = {place: stack.grad for place, stack in enumerate(self.stacks) if stack.grad is not None}
        for number, rate in enumerate(self.rates):
            self.steps[number].add_(1)
            weights: list[tuple[Tensor, ...]] = []
            assignment: list[tuple[Tensor, ...]] = []
            for place, gradient in gradients.items():
                rows = self._rows(place, number)
                update = self.stacks[place].detach()[rows], gradient[rows], self.first[place][rows], self.second[place][rows]
                (assignment if self._is_assignment(place) else weights).append(update)
            _adamw(weights, self.steps[number], self.learning_rates[number], rate.decay)
            _adamw(assignment, self.steps[number], self.assignment_rates[number], 0.0)

    @torch.no_grad()
    def scaled_steps(self, gradients: Sequence[Tensor]) -> list[Tensor]:
        """Return for other gradients of the heads the part of AdamW's next step that comes from them alone.

        There is one gradient for each stack of the bank, and nothing changes here. The moments of the steps before and the weight decay
        are left out of the step, because they are the same whatever the gradient: they would hide what it does.
        """
        steps = [torch.empty_like(gradient) for gradient in gradients]
        for number, rate in enumerate(self.learning_rates):
            next_step = self.steps[number].double() + 1
            share, correction = (1 - 0.9) / (1 - 0.9**next_step), 1 - 0.999**next_step
            for place, gradient in enumerate(gradients):
                rows = self._rows(place, number)
                second = (0.999 * self.second[place][rows] + 0.001 * gradient[rows] ** 2) / correction
                steps[place][rows] = rate * share * gradient[rows] / (second.sqrt() + 1e-8)
        return steps

    def state(self, number: int, heads: int) -> dict[str, Tensor]:
        """Return a trial's step count and moments. Names hold the place of the stack.

        The moments of R_TM are cut to the trial's ``heads``.
        """
        tensors = {"optimizer.step": self.steps[number]}
        for place, (first, second) in enumerate(self._moments(number)):
            width = heads if self._is_assignment(place) else None
            tensors |= {f"optimizer.{place}.first": first[..., :width], f"optimizer.{place}.second": second[..., :width]}
        return tensors

    def restore(self, number: int, heads: int, tensors: dict[str, Tensor]) -> None:
        """Set a trial's step count and moments from the result of ``state``."""
        self.steps[number].copy_(tensors["optimizer.step"])
        for place, (first, second) in enumerate(self._moments(number)):
            width = heads if self._is_assignment(place) else None
            first[..., :width] = tensors[f"optimizer.{place}.first"].to(first.device)
            second[..., :width] = tensors[f"optimizer.{place}.second"].to(second.device)

    def _moments(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """Yield a trial's first and second moments, stack by stack."""
        for place in range(len(self.stacks)):
            rows = self._rows(place, number)
            yield self.first[place][rows], self.second[place][rows]

    def _rows(self, place: int, number: int) -> slice:
        """Return the rows of a trial in a stack.

        The rows of a bank are heads, those of other stacks are trials.
        """
        return slice(self.starts[number], self.starts[number + 1]) if place < self.num_bank_stacks else slice(number, number + 1)

    def _is_assignment(self, place: int) -> bool:
        return self.trains_assignment and place == len(self.stacks) - 1


def _adamw(rows: Sequence[tuple[Tensor, ...]], step: Tensor, rate: float | Tensor, decay: float) -> None:
    """Update weights in place. A row has weights, gradient and both moments."""
    if not rows:
        return
    uneven = [] if rows[0][0].is_cuda else [tensors for tensors in rows if tensors[0].numel() % _VECTOR]
    ends = [_whole_end(tensors) for tensors in uneven]
    weights, gradients, first, second = (list(column) for column in zip(*rows, *ends, strict=True))
    torch._fused_adamw_(
        weights, gradients, first, second, [], [step] * len(weights), lr=rate, beta1=0.9, beta2=0.999, weight_decay=decay, eps=1e-8,
        amsgrad=False, maximize=False,
    )  # fmt: skip
    for tensors, end in zip(uneven, ends, strict=True):
        rest = tensors[0].numel() % _VECTOR
        for number in (0, 2, 3):
            tensors[number].view(-1)[-rest:] = end[number][:rest]


def _whole_end(tensors: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return copies of the ends that do not fill a vector, padded with zeros.

    On a CPU the numbers after the last whole vector are rounded in another way. So the last head of a stack would differ from the same head
    at another place.
    """
    rest = tensors[0].numel() % _VECTOR
    return tuple(torch.nn.functional.pad(tensor.reshape(-1)[-rest:], (0, _VECTOR - rest)) for tensor in tensors)


@torch.no_grad()
def clip_by_row(parameters: Sequence[nn.Parameter], highest: Tensor) -> None:
    """Clip each head's or classifier's gradient to its own limit.

    A head's weights are one row of every parameter. ``highest`` (rows,) are the limits. Each row is
    clipped as if it were trained alone.
    """
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    if not gradients:
        return
    # Row by row, so that the order of a row's sum does not depend on the number of rows.
    squares = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients], 1).square().sum(1)
    scale = (highest / (squares.sqrt() + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
