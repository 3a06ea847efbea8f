"""A trial that trains alone as a program: a trainer, its histories, and the weights that it ends with."""

import functools
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, NoReturn, Protocol

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from raygroup.config_sections import to_json
from raygroup.errors import NotFiniteError
from raygroup.files.places import Place
from raygroup.history.spotter_history import read_spotter_history
from raygroup.runtime.attempt.program import StepRow
from raygroup.runtime.attempt.scalars import grouping_curves, grouping_progress, write_settings_and_scores
from raygroup.search_space import AnyTrial
from raygroup.spotting_config import LOSSES
from raygroup.storage.layout import DETECTOR_FILE, SPOTTER_FILE
from raygroup.tables.spotter.spotter_trial import last_losses
from raygroup.training.spotter.detector_trainer import LOSSES as DETECTOR_LOSSES
from raygroup.training.spotter.detector_trainer import DetectorTrainer
from raygroup.training.spotter.detector_weights import save_detector
from raygroup.training.spotter.spotter_trainer import SpotterTrainer
from raygroup.training.spotter.trained_spotter import save_spotter_network


class SingleTrainer(Protocol):
    """Trains one trial."""

    step: int
    device: str

    def state(self) -> dict[str, Tensor]: ...

    def restore(self, step: int, state: dict[str, Tensor]) -> None: ...


class SingleProgram:
    """A trial that trains alone, and what its files hold: the losses of every step, and perhaps R_TM."""

    speed_name = "samples_per_s"
    losses: tuple[str, ...]
    """Names of the first numbers of a step's record."""
    remedy = "Lower training.learning_rate or training.clip"

    def __init__(self, trainer: SingleTrainer, settings: AnyTrial, steps: int, batch: int, checkpoint_every: int) -> None:
        self._trainer, self.settings = trainer, settings
        self.steps, self.batch, self.checkpoint_every = steps, batch, checkpoint_every

    @property
    def step(self) -> int:
        return self._trainer.step

    def state(self, number: int) -> dict[str, Tensor]:
        return self._trainer.state()

    def restore(self, step: int, states: Sequence[dict[str, Tensor]]) -> None:
        (state,) = states
        self._trainer.restore(step, state)

    def without(self, numbers: Sequence[int]) -> NoReturn:
        raise ValueError("this trial trains alone, so it cannot leave others behind")

    def split_records(self, records: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        return [torch.stack(list(records)).float().cpu().numpy()]

    def step_rows(self, number: int, rows: NDArray[np.float32], first_step: int) -> Iterator[StepRow]:
        for step, row in enumerate(rows, first_step):
            values, rest = np.split(row, [len(self.losses)])
            losses = dict(zip(self.losses, map(float, values), strict=True))
            problem = next((f"the {name} loss is {value}" for name, value in losses.items() if not np.isfinite(value)), None)
            if problem or not np.isfinite(rest).all():
                raise NotFiniteError(f"step {step}: {problem or 'R_TM is not finite'}. {self.remedy}")
            yield StepRow(step, self.columns(losses, rest), losses, functools.partial(self.curves, losses, rest))

    def columns(self, losses: Mapping[str, float], rest: NDArray[np.float32]) -> tuple[ArrayLike, ...]:
        """Return the history's columns between the step and the speed. ``rest`` is a step's record after its losses."""
        return tuple(losses.values())

    def curves(self, losses: Mapping[str, float], rest: NDArray[np.float32]) -> dict[str, float]:
        """Return the curves of TensorBoard at a step."""
        return {f"loss/{name}": value for name, value in losses.items()}

    def checkpoint_facts(self) -> dict[str, Any]:
        return {"losses": self.losses}

    def progress(self, number: int) -> dict[str, Any]:
        return {}

    def write_final_scalars(self, number: int, folder: Place, attempt: int) -> None:
        values = {f"last_loss/{name}": value for name, value in last_losses(read_spotter_history(folder)).items()}
        write_settings_and_scores(folder, attempt, self.settings, self.step, values, [*values])

    def outcome(self, number: int) -> dict[str, Any]:
        return {"device": self._trainer.device}


class _SceneProgram(SingleProgram):
    """A trial on scenes."""

    def __init__(self, trainer: DetectorTrainer | SpotterTrainer, about: Mapping[str, Any]) -> None:
        """``about`` goes into the metadata of the weights."""
        training = trainer.settings.training
        super().__init__(trainer, trainer.settings, training.steps, training.batch, training.checkpoint_every)
        self.about = about


class DetectorProgram(_SceneProgram):
    """A detector in training."""

    losses = DETECTOR_LOSSES

    def __init__(self, trainer: DetectorTrainer, about: Mapping[str, Any]) -> None:
        super().__init__(trainer, about)
        self.trainer = trainer
        self.advance = trainer.advance

    def write_results(self, number: int) -> Callable[[Place], None]:
        def write(folder: Place) -> None:
            settings, losses = self.trainer.settings, last_losses(read_spotter_history(folder))
            about = {"settings": to_json(settings), **self.about, "losses": losses}
            save_detector(folder / DETECTOR_FILE, self.trainer.average, settings.size, about)

        return write


class SpotterProgram(_SceneProgram):
    """A whole spotter in training. The record of a step has its losses, and R_TM after it."""

    losses = LOSSES

    def __init__(self, trainer: SpotterTrainer, about: Mapping[str, Any]) -> None:
        super().__init__(trainer, about)
        self.trainer = trainer

    def advance(self) -> Tensor:
        losses = self.trainer.advance()
        return torch.cat([losses, self.trainer.network.r_tm.detach().flatten()])

    def columns(self, losses: Mapping[str, float], rest: NDArray[np.float32]) -> tuple[ArrayLike, ...]:
        return (rest, *losses.values())

    def curves(self, losses: Mapping[str, float], rest: NDArray[np.float32]) -> dict[str, float]:
        return super().curves(losses, rest) | grouping_curves(self.trainer.tasks, rest.reshape(len(self.trainer.tasks), -1))

    def checkpoint_facts(self) -> dict[str, Any]:
        return super().checkpoint_facts() | {"charset": self.trainer.charset.to_json(), "tasks": self.trainer.tasks}

    def progress(self, number: int) -> dict[str, Any]:
        return grouping_progress(self.trainer.tasks, self.trainer.network.r_tm.detach().float().cpu().numpy())

    def write_results(self, number: int) -> Callable[[Place], None]:
        def write(folder: Place) -> None:
            trainer, losses = self.trainer, last_losses(read_spotter_history(folder))
            about = {**self.about, "losses": losses}
            save_spotter_network(folder / SPOTTER_FILE, trainer.average, trainer.settings, trainer.tasks, trainer.charset, about)

        return write
