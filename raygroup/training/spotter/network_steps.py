"""The parts of a training step that detectors and spotters share."""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from raygroup.spotter_config import DetectorTraining
from raygroup.spotting.network_input import INPUTS
from raygroup.training.schedule import learning_rate_at


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
