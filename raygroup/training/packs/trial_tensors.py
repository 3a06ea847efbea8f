"""The settings of a pack's trials as tensors, and their checks."""

from collections.abc import Sequence

import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.config_sections import Changes
from raygroup.errors import ConfigError
from raygroup.model.grouping import chosen_heads
from raygroup.model.kernels.forms import Kernels, cpu_forms
from raygroup.training.packs.packing import shared_settings
from raygroup.training.packs.sharding import WorkerRank
from raygroup.training.schedule import value_at


class TrialTensors:
    """The settings of k trials as tensors, and the places of their heads.

    The tensors broadcast over words and heads. In padded arrays (k, w, m), the heads of a trial
    have places from 0, and m is ``most``. In the bank, the heads of all trials are numbered from 0.
    """

    def __init__(self, trials: Sequence[Trial], most: int, device: str, dtype: torch.dtype) -> None:
        """``most`` is the number of heads of the largest trial."""

        def tensor(*values: float) -> Tensor:
            return torch.tensor(values, device=device, dtype=dtype)

        counts = torch.tensor([trial.heads.count for trial in trials], device=device)
        self.is_head = torch.arange(most, device=device) < counts[:, None]
        self.trial_of_head, self.place_of_head = self.is_head.nonzero(as_tuple=True)
        first_head = (counts.cumsum(0) - counts)[:, None]
        self.head_at = torch.where(self.is_head, first_head + torch.arange(most, device=device), 0)
        self.heads = counts[:, None, None]
        self.temperature = tensor(*(trial.grouping.temperature for trial in trials))[:, None, None, None]
        self.base_coefficient = tensor(*(trial.grouping.base_coefficient for trial in trials))[:, None, None]
        self.min_tasks = tensor(*(trial.grouping.min_tasks for trial in trials))[:, None, None] * self.is_head[:, None]
        while_idle = [trial.grouping.penalty_while_idle for trial in trials]
        self._while_idle = torch.tensor(while_idle, device=device)[:, None, None] if any(while_idle) else None
        self._scheduled = _scheduled_settings(trials)
        self.recognition = tensor(*(trial.loss.recognition for trial in trials))[:, None, None]
        self.grouping = tensor(*(trial.loss.grouping for trial in trials))
        self.task = tensor(*(trial.loss.task for trial in trials))
        self.clip = tensor(*(trial.training.clip for trial in trials))
        self.clip_of_head = self.clip[self.trial_of_head]

    def charged_min_tasks(self, r_ktm: Tensor) -> Tensor:
        """Return mu of Eq. (9), (k, 1, m). It is 0 for heads that Eq. (9) does not charge, since a task chooses them."""
        if self._while_idle is None:
            return self.min_tasks
        return self.min_tasks * ~(self._while_idle & chosen_heads(r_ktm)[:, None])

    def set_step(self, step: int) -> None:
        """Set the values of settings that change from step to step. Steps count from 0."""
        for name, number, (first, changes), steps in self._scheduled:
            getattr(self, name)[number].fill_(value_at(step, steps, first, changes))


def _scheduled_settings(trials: Sequence[Trial]) -> list[tuple[str, int, tuple[float, Changes], int]]:
    """Return the settings that change: name, number of the trial, first value with its changes, and steps."""
    scheduled = []
    for number, trial in enumerate(trials):
        for name in ("temperature", "base_coefficient"):
            changes: Changes = getattr(trial.grouping, f"{name}_changes")
            if changes:
                scheduled.append((name, number, (getattr(trial.grouping, name), changes), trial.training.steps))
    return scheduled


def require_shared_settings(trials: Sequence[Trial]) -> None:
    """Raise ConfigError if trials differ in a setting that packs share."""
    first = shared_settings(trials[0])
    for trial in trials[1:]:
        for name, value in shared_settings(trial).items():
            if value != first[name]:
                raise ConfigError(f"{name} is {value!r}: the trials of a pack must share it, but another trial has {first[name]!r}")


def require_valid_step(kernels: Kernels, worker: WorkerRank, accumulate: int) -> None:
    """Raise ConfigError if a step cannot run with these workers and parts."""
    if accumulate < 1:
        raise ConfigError(
            f"accumulate is {accumulate}: it must be a whole number from 1, the number of parts in which a worker reads its words"
        )
    if kernels.captured and worker.world * accumulate > 1:
        raise ConfigError(
            f"kernels are {kernels.name!r}: a CUDA graph is a step of one worker that reads its words at once. With {worker.world} workers "
            f"and {accumulate} parts, choose auto, {', '.join(cpu_forms())}"
        )
