"""A trial on scenes as a program: a trainer, its histories, and the weights that it ends with."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Protocol

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config_sections import to_json
from raygroup.errors import NotFiniteError
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place
from raygroup.history.schema import spotter_history_schema
from raygroup.history.spotter_history import read_spotter_history
from raygroup.history.writer import RowWriter
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.runtime.attempt.program import StepRow
from raygroup.runtime.attempt.scalars import write_settings_and_scores
from raygroup.runtime.attempt.session import WorkerContext
from raygroup.scenes.scene_table import SceneTable
from raygroup.search_space import AnyTrial
from raygroup.spotter_config import Detector
from raygroup.storage.layout import DETECTOR_FILE
from raygroup.storage.leases import Lease
from raygroup.tables.spotter.spotter_trial import last_losses
from raygroup.training.spotter.detector_trainer import LOSSES, DetectorTrainer
from raygroup.training.spotter.detector_weights import save_detector


class SpotterTrainer(Protocol):
    """The training of one trial on scenes."""

    settings: Detector
    device: str
    step: int
    average: DetectorNetwork
    """The moving average of the weights, which is the result."""

    def advance(self) -> Tensor:
        """Take one optimizer step and return its losses, in the order of their names."""

    def state(self) -> dict[str, Tensor]:
        """Return the tensors that later steps depend on."""

    def restore(self, step: int, state: Mapping[str, Tensor]) -> None:
        """Set the training to the point after ``step``."""


class SpotterProgram:
    """A trainer, and what the files of its trial hold."""

    speed_name = "samples_per_s"

    def __init__(self, trainer: SpotterTrainer, losses: Sequence[str], about: Mapping[str, Any]) -> None:
        """``losses`` are the names of what ``advance`` returns. ``about`` goes into the metadata of the weights."""
        self.trainer, self.losses, self.about = trainer, tuple(losses), about
        training = trainer.settings.training
        self.steps, self.batch, self.checkpoint_every = training.steps, training.batch, training.checkpoint_every
        self.advance = trainer.advance

    @property
    def step(self) -> int:
        return self.trainer.step

    def state(self, number: int) -> dict[str, Tensor]:
        return self.trainer.state()

    def restore(self, step: int, states: Sequence[dict[str, Tensor]]) -> None:
        (state,) = states
        self.trainer.restore(step, state)

    def without(self, numbers: Sequence[int]) -> "SpotterProgram":
        raise ValueError("a trial on scenes trains alone, so it cannot leave others behind")

    def split_records(self, records: Sequence[Tensor]) -> list[NDArray[np.float32]]:
        return [torch.stack(list(records)).float().cpu().numpy()]

    def step_rows(self, number: int, rows: NDArray[np.float32], first_step: int) -> Iterator[StepRow]:
        for step, row in enumerate(rows, first_step):
            losses = dict(zip(self.losses, map(float, row), strict=True))
            for name, value in losses.items():
                if not np.isfinite(value):
                    raise NotFiniteError(f"step {step}: the {name} loss is {value}. Lower training.learning_rate or training.clip")
            curves = {f"loss/{name}": value for name, value in losses.items()}
            yield StepRow(step, tuple(losses.values()), losses, lambda curves=curves: curves)  # type: ignore[misc]

    def checkpoint_facts(self) -> dict[str, Any]:
        return {"losses": self.losses}

    def progress(self, number: int) -> dict[str, Any]:
        return {}

    def write_results(self, number: int) -> Callable[[Place], None]:
        def write(folder: Place) -> None:
            ends = last_losses(read_spotter_history(folder))
            about = {"settings": to_json(self.trainer.settings), **self.about, "losses": ends}
            save_detector(folder / DETECTOR_FILE, self.trainer.average, self.trainer.settings.size, about)

        return write

    def write_final_scalars(self, number: int, folder: Place, attempt: int) -> None:
        values = {f"last_loss/{name}": value for name, value in last_losses(read_spotter_history(folder)).items()}
        write_settings_and_scores(folder, attempt, self.trainer.settings, self.step, values, [*values])

    def outcome(self, number: int) -> dict[str, Any]:
        return {"device": self.trainer.device}


class SceneInputs:
    """The scenes of a trial."""

    def __init__(self, config: Mapping[str, Any], context: WorkerContext) -> None:
        """Open the scenes that a trial's config.json names."""
        self.context, self.data = context, str(config["data"])
        self.scenes = SceneTable(context.retry(lambda: local_copy(context.storage / config["scenes"])))

    @property
    def history_facts(self) -> dict[str, Any]:
        return {}

    def open_history(self, lease: Lease, trial: AnyTrial, metadata: dict[str, Any]) -> RowWriter:
        return RowWriter(lease.folder, lease.attempt, spotter_history_schema(LOSSES, metadata), retry=self.context.retry)

    def start(self, trials: Sequence[AnyTrial]) -> SpotterProgram:
        (trial,) = trials
        if not isinstance(trial, Detector):
            raise TypeError(f"a {type(trial).__name__} does not train on scenes")
        trainer = DetectorTrainer(trial, self.scenes, self.context.placement.device, self.context.group.worker)
        return SpotterProgram(trainer, LOSSES, {"data": self.data, "scenes": len(self.scenes)})
