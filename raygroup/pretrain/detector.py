"""Train the detector of a spotter on scenes (its stage 1). ``pretrain_detector`` is the command's Python twin."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.files.places import local_path
from raygroup.spotter_config import Detector
from raygroup.terminal import console, print_line, size_text
from raygroup.values import STEPS

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.runtime.attempt.training_checkpoints import TrainingCheckpoints
    from raygroup.scenes.scene_table import SceneTable
    from raygroup.training.spotter.detector_trainer import DetectorTrainer

DETECTOR = "pretrain_detector"
"""The search space of the command with ``--scenes``."""


@dataclass(frozen=True, kw_only=True)
class DetectorResult:
    """The weights file of a detector, and how its training ended."""

    out: Path
    scenes: int
    losses: Mapping[str, float]
    """Name -> its mean over the last steps."""
    cpu_s: float
    """Processor seconds of this run's steps."""

    def to_json(self) -> dict[str, Any]:
        """Return plain JSON values."""
        return {"out": str(self.out), "scenes": self.scenes, "losses": dict(self.losses), "cpu_s": round(self.cpu_s, 1)}


def pretrain_detector(
    settings: Detector, out: Path | str, *, scenes: Path | str, storage_path: Path | str = "runs", checkpoint_every: int | None = None,
    progress: bool = False,
) -> DetectorResult:  # fmt: skip
    """Train a detector on the scenes of an import, and write its weights file.

    Every ``checkpoint_every`` steps (those of the settings by default) the training is kept in the folder ``OUT.training``, and the same
    call continues from there, with the same weights bit for bit. Raises ConfigError for scenes, a storage path or an ``out`` that cannot
    be used, OSError if one of them fails later, and KeyboardInterrupt.
    """
    from rich.console import Console

    from raygroup.pretrain.words import open_checkpoints
    from raygroup.runtime.attempt.training_checkpoints import lock_result
    from raygroup.storage.locks import require_writable
    from raygroup.training.spotter.detector_trainer import DetectorTrainer
    from raygroup.training.spotter.detector_weights import save_detector

    every = settings.training.checkpoint_every if checkpoint_every is None else checkpoint_every
    STEPS.require("--checkpoint-every", every)
    storage, out = local_path(storage_path), local_path(out)
    require_writable(storage)
    screen = console() if progress else Console(quiet=True)
    with lock_result(out) as folder:
        table, data = _scene_table(local_path(scenes), storage)
        checkpoints = open_checkpoints(folder, settings, {"data": data}, every, screen)
        trainer = DetectorTrainer(settings, table)
        losses, cpu_s = _train(trainer, checkpoints, screen)
        save_detector(out, trainer.average, settings.size, {**checkpoints.identity, "scenes": len(table), "losses": losses})
        checkpoints.delete()
    return DetectorResult(out=out, scenes=len(table), losses=losses, cpu_s=cpu_s)


def _scene_table(scenes: Path, storage: Path) -> "tuple[SceneTable, str]":
    """Return the scenes and their fingerprint. The first call copies them into the cache of the storage path."""
    from raygroup.errors import ConfigError
    from raygroup.runtime.preparation.scene_tables import make_scene_table
    from raygroup.scenes.scene_table import SceneTable, scenes_fingerprint
    from raygroup.storage.layout import scenes_path

    data = scenes_fingerprint(scenes)
    path = Path(str(scenes_path(storage, data)))
    make_scene_table(scenes, path)
    table = SceneTable(path)
    if not len(table):
        raise ConfigError(f"--scenes {scenes}: it has no scenes")
    return table, data


def _train(trainer: "DetectorTrainer", checkpoints: "TrainingCheckpoints", screen: "Console") -> tuple[dict[str, float], float]:
    """Train to the last step. Returns the last losses, and the processor seconds of the steps."""
    import time

    import torch

    from raygroup.runtime.progress import progress_bars
    from raygroup.tables.spotter.spotter_trial import LAST_STEPS
    from raygroup.training.spotter.detector_trainer import LOSSES

    step, state = checkpoints.restored()
    if step:
        trainer.restore(step, state)
    steps, records, started = trainer.settings.training.steps, [], time.process_time()
    with progress_bars(screen) as show_progress:
        while trainer.step < steps:
            records.append(trainer.advance())
            if checkpoints.is_due(trainer.step):
                checkpoints.keep(trainer.step, trainer.state())
            show_progress("steps of the detector", trainer.step, steps)
    means = torch.stack(records[-LAST_STEPS:]).mean(0).tolist() if records else [float("nan")] * len(LOSSES)
    return dict(zip(LOSSES, means, strict=True)), time.process_time() - started


def print_detector(result: DetectorResult, out: "Console") -> None:
    """Print the last losses, and how to go on."""
    losses = ", ".join(f"{name.replace('_', ' ')} {value:.3f}" for name, value in result.losses.items())
    print_line(out, f"trained on {result.scenes} scenes; losses of the last steps: {losses}")
    print_line(out, f"weights: {result.out} ({size_text(result.out.stat().st_size)})")
