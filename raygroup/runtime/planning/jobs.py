"""The trials of a plan, each with its inputs and its folder."""

import importlib.resources
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from raygroup.config import Trial
from raygroup.config_sections import to_json
from raygroup.costs import training_cpu_s
from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.files.places import Place, local_path
from raygroup.storage.identity import require_own_settings
from raygroup.storage.layout import CONFIG_FILE, FAILED_FILE
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import is_done

LAPTOP_WEIGHTS = Path(str(importlib.resources.files("raygroup.weights") / "laptop.safetensors"))
"""The stage-1 weights in the package: ``weights.file`` is ``laptop``."""


@dataclass(frozen=True)
class Job:
    """One trial of a plan."""

    id: str
    label: str
    """The grid values and the seed, for tables."""
    trial: Trial
    folder: Place
    data: str
    """Fingerprint of the words and the weights."""
    store: Place
    """The word store."""
    features: Place
    """The list of the feature shards, ``features.json``."""
    weights: Path
    """The weights file on this machine."""
    shared_weights: Place | None
    """A copy of the weights that every machine can read. None for the weights in the package."""

    @property
    def done(self) -> bool:
        return is_done(self.folder)

    @property
    def cpu_s(self) -> float:
        """Estimated processor seconds of the training."""
        return training_cpu_s(self.trial)


def weights_file(name: str) -> Path:
    """Return the file that a ``weights.file`` setting names. Raises ConfigError if it does not exist."""
    path = LAPTOP_WEIGHTS if name == "laptop" else local_path(name).absolute()
    if not path.is_file():
        raise ConfigError(f"weights.file: no file {path}")
    return path


def require_own_folder(job: Job) -> None:
    """Raise OtherTrialError if a trial's folder holds the settings of another trial. Without settings it may be used."""
    path = job.folder / CONFIG_FILE
    if stored := intact_record(path):
        require_own_settings(job.folder, path, stored["trial"], stored["data"])


def declare_trials(jobs: Iterable[Job], storage: Place) -> None:
    """Write the ``config.json`` of trials that are about to start.

    An earlier failure is deleted, so that the trial is tried again. Raises OtherTrialError like ``require_own_folder``.
    """
    for job in jobs:
        require_own_folder(job)
        job.folder.mkdir(parents=True, exist_ok=True)
        (job.folder / FAILED_FILE).unlink(missing_ok=True)
        inputs = {"store": _relative(job.store, storage), "features": _relative(job.features, storage)}
        weights = _relative(job.shared_weights, storage) if job.shared_weights else "laptop"
        config = {"label": job.label, "sweep": job.folder.parent.name, "trial": to_json(job.trial), "data": job.data, **inputs}
        write_json(job.folder / CONFIG_FILE, config | {"weights": weights}, durable=False)


def _relative(place: Place, storage: Place) -> str:
    return str(place.relative_to(storage))  # type: ignore[arg-type]
