"""The training of a network on scenes, as far as detectors and spotters share it."""

from collections.abc import Mapping, Sequence
from typing import Any, Generic, TypeVar

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from raygroup.spotter_config import DetectorTraining
from raygroup.spotting.network_input import INPUTS
from raygroup.training.packs.sharding import WorkerRank
from raygroup.training.schedule import learning_rate_at
from raygroup.training.spotter.shared_norm import share_norms
from raygroup.training.universal_state import restore_modules, restore_optimizer, state_tensors

Network = TypeVar("Network", bound=nn.Module)


class NetworkTraining(Generic[Network]):
    """A network in training: its weights, their moving average and the optimizer."""

    def __init__(
        self, network: Network, average: Network, training: DetectorTraining, worker: WorkerRank, slow_parts: tuple[str, ...] = (),
        slow_rate: float = 1.0,
    ) -> None:  # fmt: skip
        """Each of several workers holds all weights. ``slow_rate`` is the factor of the learning rate of weights whose names begin so."""
        self.network, self.average, self.training, self.worker = network, average.requires_grad_(False), training, worker
        self.step = 0  # steps done
        share_norms(network, worker)
        self.weights = [weight for weight in network.parameters() if weight.requires_grad]
        self.optimizer = self._new_optimizer(slow_parts, slow_rate)

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that later steps depend on. Random generators have no state."""
        return state_tensors({"network": self.network, "average": self.average}, self.optimizer)

    def restore(self, step: int, state: Mapping[str, Tensor]) -> None:
        """Set the training to the point after ``step``."""
        self.step = step
        restore_modules({"network": self.network, "average": self.average}, state)
        restore_optimizer(self.optimizer, state)

    def take_step(self, totals: Tensor, counts: Tensor, loss_weights: Sequence[float]) -> Tensor:
        """Take one optimizer step on this worker's sums of losses, and return the losses.

        They are divided by the counts of the whole batch, so all workers return the same bits.
        """
        self.worker.all_reduce([counts])
        losses = totals / counts.clamp(min=1)
        self.optimizer.zero_grad()
        (losses @ losses.new_tensor(loss_weights)).backward()  # type: ignore[no-untyped-call]
        record = losses.detach()
        for weight in self.weights:  # a part without words has no gradient on this worker, but others may have one
            weight.grad = torch.zeros_like(weight) if weight.grad is None else weight.grad
        self.worker.all_reduce([*(weight.grad for weight in self.weights if weight.grad is not None), record])
        nn.utils.clip_grad_norm_(self.weights, self.training.clip)
        rate = warmed_rate(self.step, self.training)
        for group in self.optimizer.param_groups:
            group["lr"] = rate * group["factor"]
        self.optimizer.step()
        move_average(self.average, self.network, self.training.average, self.step)
        self.step += 1
        return record

    def _new_optimizer(self, slow_parts: tuple[str, ...], slow_rate: float) -> torch.optim.Optimizer:
        named = [(name.startswith(slow_parts), weight) for name, weight in self.network.named_parameters() if weight.requires_grad]
        groups: list[dict[str, Any]] = [
            {"params": [weight for is_slow, weight in named if is_slow == of_slow], "factor": slow_rate if of_slow else 1.0}
            for of_slow in (False, True)
        ]
        training = self.training
        return torch.optim.AdamW([group for group in groups if group["params"]], training.learning_rate, weight_decay=training.weight_decay)


def normalised_samples(pixels: NDArray[np.uint8], size: str, device: str, dtype: torch.dtype) -> Tensor:
    """Return samples (n, side, side, 3), blue first, as the input of a network of ``size``."""
    inputs = INPUTS[size]
    values = torch.from_numpy(pixels if inputs.channels == "BGR" else pixels[..., ::-1].copy()).to(device, dtype)
    values = (values - values.new_tensor(inputs.mean)) / values.new_tensor(inputs.std)
    return values.permute(0, 3, 1, 2)  # channels-last in memory


def warmed_rate(step: int, training: DetectorTraining) -> float:
    """Return the learning rate of a step."""
    warm_up = min(1.0, (step + 1) / training.warm_up) if training.warm_up else 1.0
    return warm_up * learning_rate_at(step, training.steps, training.learning_rate)


@torch.no_grad()
def move_average(average: nn.Module, network: nn.Module, decay: float, step: int) -> None:
    """Move the average towards the weights. In the first steps it moves faster."""
    decay = min(decay, (1 + step) / (10 + step))
    for mean, value in zip(average.state_dict().values(), network.state_dict().values(), strict=True):
        if mean.is_floating_point():
            mean.lerp_(value, 1 - decay)
        else:
            mean.copy_(value)
