"""The state of stage 1 in the middle of its training, as tensors.

Every draw is keyed by seed, purpose and step (``raygroup.randomness``). So the step is the whole
state of the generators, and a training that is restored continues bit for bit.
"""

from collections.abc import Mapping
from typing import Protocol

import torch
from torch import Tensor, nn


class StateKeeper(Protocol):
    """Keeps states between two runs of the same training."""

    def restored(self) -> tuple[int, Mapping[str, Tensor]]:
        """Return the last step that was kept and its state. Step 0 is the beginning, which has no state."""
        ...

    def is_due(self, step: int) -> bool:
        """Return whether to keep the state after this step."""
        ...

    def keep(self, step: int, state: dict[str, Tensor]) -> None: ...


class NoKeeper:
    """Keeps nothing: the training starts at its beginning."""

    def restored(self) -> tuple[int, Mapping[str, Tensor]]:
        return 0, {}

    def is_due(self, step: int) -> bool:
        return False

    def keep(self, step: int, state: dict[str, Tensor]) -> None: ...


def state_tensors(modules: Mapping[str, nn.Module], optimizer: torch.optim.Optimizer) -> dict[str, Tensor]:
    """Return the weights and buffers of the modules, and what the optimizer knows of each weight."""
    tensors = {f"{name}.{key}": value for name, module in modules.items() for key, value in module.state_dict().items()}
    for number, weight in enumerate(_weights(optimizer)):
        tensors |= {f"optimizer.{number}.{key}": value for key, value in optimizer.state[weight].items()}
    return {name: value.detach().contiguous().clone() for name, value in tensors.items()}


@torch.no_grad()
def restore_modules(modules: Mapping[str, nn.Module], state: Mapping[str, Tensor]) -> None:
    """Copy the weights and buffers of a state into the modules."""
    for name, module in modules.items():
        for key, value in module.state_dict().items():
            value.copy_(state[f"{name}.{key}"])


@torch.no_grad()
def restore_optimizer(optimizer: torch.optim.Optimizer, state: Mapping[str, Tensor]) -> None:
    """Copy what a state knows of the optimizer. The optimizer must have the same weights in the same order."""
    for number, weight in enumerate(_weights(optimizer)):
        prefix = f"optimizer.{number}."
        for name, value in state.items():
            if name.startswith(prefix):
                # Strides like those of the weight, because the order of sums depends on them.
                kept = torch.empty_like(weight) if value.shape == weight.shape else torch.empty_like(value)
                optimizer.state[weight][name.removeprefix(prefix)] = kept.copy_(value)


def _weights(optimizer: torch.optim.Optimizer) -> list[Tensor]:
    return [weight for group in optimizer.param_groups for weight in group["params"]]
