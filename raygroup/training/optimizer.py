"""One fused optimiser over the stacked weights of a pack, in which every trial has its own rates, clipping and moments."""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from raygroup.model.classifier import TaskClassifiers
from raygroup.model.heads import HeadBank

_MOMENTS = ("exp_avg", "exp_avg_sq")


class PackOptimizer:
    """AdamW over each trial's rows of the stacks: of every trial its heads and its classifier at one rate, its R_TM at another.

    Rows are updated where they stand; a trial's are a group of their own, so its numbers do not depend on the trials beside it.
    """

    def __init__(
        self, bank: HeadBank, classifiers: TaskClassifiers, assignment: Tensor | None, starts: Sequence[int],
        rates: Sequence[tuple[float, float, float]],
    ) -> None:  # fmt: skip
        """``starts`` are the first heads of the trials and their end; ``rates`` of each trial: of its weights, their decay, of R_TM."""
        self.stacks = [*bank.parameters(), *classifiers.parameters()] + ([] if assignment is None else [assignment])
        heads = len(list(bank.parameters()))
        self.assigned = assignment is not None
        self.rows: list[tuple[nn.Parameter, Tensor, slice]] = []
        groups = []
        for number, (learning_rate, decay, assignment_rate) in enumerate(rates):
            slices = [slice(starts[number], starts[number + 1]) if place < heads else slice(number, number + 1)
                      for place in range(len(self.stacks))]  # fmt: skip
            mine = [nn.Parameter(stack.detach()[rows]) for stack, rows in zip(self.stacks, slices, strict=True)]
            self.rows += zip(mine, self.stacks, slices, strict=True)
            groups.append({"params": mine[:-1] if self.assigned else mine, "lr": learning_rate, "weight_decay": decay})
            if self.assigned:
                groups.append({"params": mine[-1:], "lr": assignment_rate, "weight_decay": 0.0})
        self.adam = torch.optim.AdamW(groups, fused=True)

    def zero_grad(self) -> None:
        for stack in self.stacks:
            stack.grad = None

    def step(self, rates: Sequence[float]) -> None:
        """One step at each trial's rate for its weights; the rate of R_TM stays."""
        each = 2 if self.assigned else 1
        for number, learning_rate in enumerate(rates):
            self.adam.param_groups[each * number]["lr"] = learning_rate
        for row, stack, rows in self.rows:
            assert stack.grad is not None
            row.grad = stack.grad[rows]
        self.adam.step()

    def state(self, number: int, heads: int) -> dict[str, Tensor]:
        """The moments of a trial's weights, by the place of their stack; of R_TM without the padding beyond its ``heads``."""
        found = {}
        for place, row in enumerate(self._rows(number)):
            for name, value in self.adam.state.get(row, {}).items():
                trimmed = value[..., :heads] if self._is_assignment(place) and name in _MOMENTS else value
                found[f"optimizer.{place}.{name}"] = trimmed
        return found

    def restore(self, number: int, heads: int, tensors: dict[str, Tensor]) -> None:
        for place, row in enumerate(self._rows(number)):
            stored = {name: tensors.get(f"optimizer.{place}.{name}") for name in ("step", *_MOMENTS)}
            if stored["step"] is None:
                continue
            slots = self.adam.state[row] = {}
            for name, value in stored.items():
                assert value is not None
                slots[name] = value.to(row.device, copy=True)
                if self._is_assignment(place) and name in _MOMENTS:
                    slots[name] = nn.functional.pad(slots[name], (0, row.shape[-1] - heads))

    def _rows(self, number: int) -> list[nn.Parameter]:
        return [row for row, _, _ in self.rows[number * len(self.stacks) : (number + 1) * len(self.stacks)]]

    def _is_assignment(self, place: int) -> bool:
        return self.assigned and place == len(self.stacks) - 1


@torch.no_grad()
def clip_by_row(parameters: Sequence[nn.Parameter], highest: Tensor) -> None:
    """Scales the gradient of each head (or classifier), the first axis of its stacks, to a norm of at most its ``highest`` (m,): each is
    clipped as if it were trained alone."""
    gradients = [parameter.grad for parameter in parameters if parameter.grad is not None]
    squares = torch.stack([gradient.flatten(1).square().sum(1) for gradient in gradients]).sum(0)
    scale = (highest / (squares.sqrt() + 1e-6)).clamp(max=1)
    for gradient in gradients:
        gradient.mul_(scale.view(-1, *[1] * (gradient.dim() - 1)))
