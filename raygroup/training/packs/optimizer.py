"""AdamW over the stacked weights of a pack, in which every trial has its own rates, clipping and moments."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import torch
from torch import Tensor, nn

from raygroup.model.heads.bank import HeadBank
from raygroup.model.task_classifier import TaskClassifiers


class Rates(NamedTuple):
    """Of one trial."""

    weights: float
    """Learning rate of heads and classifier, which a schedule changes from step to step."""
    decay: float
    """Weight decay of heads and classifier; R_TM has none."""
    assignment: float
    """Learning rate of R_TM."""


class PackOptimizer:
    """AdamW (Loshchilov and Hutter, 2019) over each trial's rows of the stacks, which are updated where they stand.

    A trial's rows are one fused call, so its numbers do not depend on the trials beside it. It calls the operator that torch's own
    AdamW(fused=True) calls, whose class takes whole parameters alone, and takes a second to import.
    """

    def __init__(
        self, bank: HeadBank, classifiers: TaskClassifiers, assignment: Tensor | None, starts: Sequence[int], rates: Sequence[Rates],
        captured: bool = False,
    ) -> None:  # fmt: skip
        """``assignment`` is R_TM (k, t, m), or None where it is fixed; ``starts`` are the first heads of the trials and their end.
        ``captured`` keeps the learning rates on the device, where a graph finds them."""
        self.stacks: list[Tensor] = [*bank.parameters(), *classifiers.parameters()] + ([] if assignment is None else [assignment])
        self.heads, self.assigned = len(list(bank.parameters())), assignment is not None
        self.starts, self.rates = starts, list(rates)
        self.first, self.second = ([torch.zeros_like(stack, requires_grad=False) for stack in self.stacks] for _ in range(2))
        device = self.stacks[0].device
        self.steps = [torch.zeros((), device=device) for _ in rates]
        self.captured = captured
        self.learning_rates: list[float | Tensor] = [
            torch.tensor(rate.weights, device=device) if captured else rate.weights for rate in rates
        ]

    def set_rates(self, rates: Sequence[float]) -> None:
        """Each trial's learning rate for its weights; that of R_TM stays."""
        for number, learning_rate in enumerate(rates):
            held = self.learning_rates[number]
            if isinstance(held, Tensor):
                held.fill_(learning_rate)
            else:
                self.learning_rates[number] = learning_rate

    def zero_grad(self) -> None:
        for stack in self.stacks:
            stack.grad = None

    def gradients(self) -> list[Tensor]:
        """Those that there are, in the order of the stacks, to be changed in place."""
        return [stack.grad for stack in self.stacks if stack.grad is not None]

    @torch.no_grad()
    def step(self) -> None:
        """One step at the trials' ``learning_rates``; a stack without a gradient, and its moments, stay as they are."""
        gradients = {place: stack.grad for place, stack in enumerate(self.stacks) if stack.grad is not None}
        for number, rate in enumerate(self.rates):
            self.steps[number].add_(1)
            weights: list[tuple[Tensor, ...]] = []
            assignment: list[tuple[Tensor, ...]] = []
            for place, gradient in gradients.items():
                rows = self._rows(place, number)
                moved = self.stacks[place].detach()[rows], gradient[rows], self.first[place][rows], self.second[place][rows]
                (assignment if self._is_assignment(place) else weights).append(moved)
            _adamw(weights, self.steps[number], self.learning_rates[number], rate.decay)
            _adamw(assignment, self.steps[number], rate.assignment, 0.0)

    def state(self, number: int, heads: int) -> dict[str, Tensor]:
        """The moments of a trial's weights, by the place of their stack; of R_TM without the padding beyond its ``heads``."""
        found = {"optimizer.step": self.steps[number]}
        for place, (first, second) in enumerate(self._moments(number)):
            width = heads if self._is_assignment(place) else None
            found |= {f"optimizer.{place}.first": first[..., :width], f"optimizer.{place}.second": second[..., :width]}
        return found

    def restore(self, number: int, heads: int, tensors: dict[str, Tensor]) -> None:
        self.steps[number].copy_(tensors["optimizer.step"])
        for place, (first, second) in enumerate(self._moments(number)):
            width = heads if self._is_assignment(place) else None
            first[..., :width] = tensors[f"optimizer.{place}.first"].to(first.device)
            second[..., :width] = tensors[f"optimizer.{place}.second"].to(first.device)

    def _moments(self, number: int) -> Iterator[tuple[Tensor, Tensor]]:
        """A trial's moments, stack by stack."""
        for place in range(len(self.stacks)):
            rows = self._rows(place, number)
            yield self.first[place][rows], self.second[place][rows]

    def _rows(self, place: int, number: int) -> slice:
        """Where a trial's weights stand in a stack."""
        return slice(self.starts[number], self.starts[number + 1]) if place < self.heads else slice(number, number + 1)

    def _is_assignment(self, place: int) -> bool:
        return self.assigned and place == len(self.stacks) - 1


def _adamw(rows: Sequence[tuple[Tensor, ...]], step: Tensor, rate: float | Tensor, decay: float) -> None:
    if not rows:
        return
    weights, gradients, first, second = (list(column) for column in zip(*rows, strict=True))
    torch._fused_adamw_(
        weights, gradients, first, second, [], [step] * len(rows), lr=rate, beta1=0.9, beta2=0.999, weight_decay=decay, eps=1e-8,
        amsgrad=False, maximize=False,
    )  # fmt: skip


@torch.no_grad()
def clip_by_row(parameters: Sequence[nn.Parameter], highest: Tensor) -> None:
    """Scales the gradient of each head (or classifier), the first axis of its stacks, to a norm of at most its ``highest`` (m,): each is
    clipped as if it were trained alone."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = torch.stack([torch.linalg.vector_norm(gradient.flatten(1), dim=1) for gradient in gradients]).square().sum(0)
    scale = (highest / (squares.sqrt() + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
