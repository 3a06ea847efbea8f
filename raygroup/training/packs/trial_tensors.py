"""The settings of a pack's trials as tensors, and what the trials must have in common."""

from collections.abc import Sequence

import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.errors import ConfigError
from raygroup.model.kernels.forms import Kernels, on_processor
from raygroup.packing import shared_settings
from raygroup.training.packs.sharding import Shard


class Settings:
    """The numbers of the trials as tensors that broadcast over words and heads, and where the heads of each stand; ``most`` is the most
    heads of a trial."""

    def __init__(self, trials: Sequence[Trial], most: int, device: str, dtype: torch.dtype) -> None:
        def of(*values: float) -> Tensor:
            return torch.tensor(values, device=device, dtype=dtype)

        counts = torch.tensor([trial.heads.count for trial in trials], device=device)
        self.is_head = torch.arange(most, device=device) < counts[:, None]
        self.trial_of_head, self.place_of_head = self.is_head.nonzero(as_tuple=True)
        self.head_at = torch.where(self.is_head, (counts.cumsum(0) - counts)[:, None] + torch.arange(most, device=device), 0)
        self.heads = counts[:, None, None]
        self.temperature = of(*(trial.grouping.temperature for trial in trials))[:, None, None, None]
        self.base_coefficient = of(*(trial.grouping.base_coefficient for trial in trials))[:, None, None]
        self.min_tasks = of(*(trial.grouping.min_tasks for trial in trials))[:, None, None] * self.is_head[:, None]
        self.recognition = of(*(trial.loss.recognition for trial in trials))[:, None, None]
        self.grouping, self.task = of(*(trial.loss.grouping for trial in trials)), of(*(trial.loss.task for trial in trials))
        self.clip = of(*(trial.training.clip for trial in trials))
        self.clip_of_head = self.clip[self.trial_of_head]


def require_alike(trials: Sequence[Trial]) -> None:
    """Raises ConfigError that names a setting in which trials differ that no pack can hold together."""
    first = shared_settings(trials[0])
    for trial in trials[1:]:
        for name, value in shared_settings(trial).items():
            if value != first[name]:
                raise ConfigError(f"{name} is {value!r}: the trials of a pack must share it, another has {first[name]!r}")


def require_possible(kernels: Kernels, shard: Shard, accumulate: int) -> None:
    """Raises ConfigError where a step cannot be taken in this many workers and parts."""
    if accumulate < 1:
        raise ConfigError(f"accumulate is {accumulate}: it must be a whole number from 1, the parts that a worker reads its words in")
    if kernels.captured and shard.world * accumulate > 1:
        raise ConfigError(
            f"kernels are {kernels.name!r}: a CUDA graph is a step of one worker that reads its words at once; with {shard.world} workers "
            f"and {accumulate} parts there are auto, {', '.join(on_processor())}"
        )
