"""The inputs of a trial on scenes: the scenes, and what a whole spotter starts from."""

from collections.abc import Mapping, Sequence
from typing import Any

from raygroup.files.local_copies import local_copy
from raygroup.history.schema import spotter_history_schema
from raygroup.history.writer import RowWriter
from raygroup.runtime.attempt.pack_inputs import load_universal_weights, stored_weights_file
from raygroup.runtime.attempt.session import WorkerContext
from raygroup.runtime.attempt.spotter_program import DetectorProgram, SpotterProgram
from raygroup.scenes.scene_table import SceneTable
from raygroup.search_space import AnyTrial
from raygroup.spotter_config import Detector
from raygroup.spotting_config import LOSSES, Spotting
from raygroup.storage.leases import Lease
from raygroup.training.spotter.detector_trainer import LOSSES as DETECTOR_LOSSES
from raygroup.training.spotter.detector_trainer import DetectorTrainer
from raygroup.training.spotter.detector_weights import load_detector
from raygroup.training.spotter.spotter_trainer import SpotterTrainer


class _SceneInputs:
    """The scenes of a trial."""

    def __init__(self, config: Mapping[str, Any], context: WorkerContext) -> None:
        """Open the scenes that a trial's config.json names."""
        self.context = context
        self.scenes = SceneTable(context.retry(lambda: local_copy(context.storage / config["scenes"])))
        self.about = {"data": str(config["data"]), "scenes": len(self.scenes)}
        """Facts for the metadata of the weights."""


class DetectorInputs(_SceneInputs):
    """The inputs of a detector."""

    @property
    def history_facts(self) -> dict[str, Any]:
        return {}

    def open_history(self, lease: Lease, trial: AnyTrial, metadata: dict[str, Any]) -> RowWriter:
        return RowWriter(lease.folder, lease.attempt, spotter_history_schema(DETECTOR_LOSSES, metadata), retry=self.context.retry)

    def start(self, trials: Sequence[AnyTrial], starts: Sequence[str | None]) -> DetectorProgram:
        (trial,) = trials
        if not isinstance(trial, Detector):
            raise TypeError(f"a {type(trial).__name__} is no detector")
        return DetectorProgram(DetectorTrainer(trial, self.scenes, self.context.placement.device, self.context.group.worker), self.about)


class SpotterInputs(_SceneInputs):
    """The inputs of a whole spotter. Its tasks and characters are those of the scenes' words, and of the reader."""

    def __init__(self, config: Mapping[str, Any], context: WorkerContext) -> None:
        """Open the scenes and load the weights that a trial's config.json names."""
        super().__init__(config, context)
        storage = context.storage
        self.reader = context.retry(lambda: load_universal_weights(storage, config["reader"])) if "reader" in config else None
        self.detector = None
        if "detector" in config:
            self.detector = context.retry(lambda: load_detector(stored_weights_file(storage, config["detector"])))[0]
        labels = self.scenes.labels()
        self.tasks, self.charset = labels.tasks, labels.charset(self.reader.charset if self.reader else None)

    @property
    def history_facts(self) -> dict[str, Any]:
        return {"charset": self.charset.hash}

    def open_history(self, lease: Lease, trial: AnyTrial, metadata: dict[str, Any]) -> RowWriter:
        schema = spotter_history_schema(LOSSES, metadata, self.tasks, _require_spotting(trial).heads.count)
        return RowWriter(lease.folder, lease.attempt, schema, retry=self.context.retry)

    def start(self, trials: Sequence[AnyTrial], starts: Sequence[str | None]) -> SpotterProgram:
        (trial,) = trials
        trainer = SpotterTrainer(
            _require_spotting(trial), self.scenes, self.tasks, self.charset, teacher=self.reader,
            start=self.detector.state_dict() if self.detector else None, device=self.context.placement.device,
            worker=self.context.group.worker,
        )  # fmt: skip
        return SpotterProgram(trainer, self.about)


def _require_spotting(trial: AnyTrial) -> Spotting:
    if not isinstance(trial, Spotting):
        raise TypeError(f"a {type(trial).__name__} is no whole spotter")
    return trial
