"""The trials of a plan, each with its inputs and its folder."""

import hashlib
import importlib.resources
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path

from raygroup.config import Pretraining, Trial
from raygroup.config_sections import to_json
from raygroup.costs import detector_cpu_s, spotter_cpu_s, training_cpu_s
from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.files.places import Place, local_path
from raygroup.search_space import AnyTrial, SceneTrial
from raygroup.spotter_config import Detector
from raygroup.storage.identity import require_own_settings
from raygroup.storage.layout import CONFIG_FILE, FAILED_FILE, UNIVERSAL_FILE
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import is_done

LAPTOP = "laptop"
"""The name of the stage-1 weights in the package, in settings and in ``config.json``."""
LAPTOP_WEIGHTS = Path(str(importlib.resources.files("raygroup.weights") / "laptop.safetensors"))
"""The file of these weights."""
SPOTTER = "spotter"
"""The name of the trunk that reads words in the spotter of the package, for stage 1. It has no universal head."""
SPOTTER_READER = Path(str(importlib.resources.files("raygroup.weights") / "compact_spotter" / "reader" / "model.safetensors"))
"""The file of this trunk."""


@dataclass(frozen=True)
class Job:
    """One trial of a plan."""

    id: str
    label: str
    """The grid values and the seed, for tables."""
    trial: AnyTrial
    folder: Place
    data: str
    """Fingerprint of the words and the weights, of the scenes, or of the scenes and the weights. A later stage has that of its start."""

    @property
    def content(self) -> str:
        """The hash of settings and data without the sweep's name. Later stages name their input by it."""
        return self.id.rpartition("-")[2]

    @property
    def done(self) -> bool:
        return is_done(self.folder)

    @property
    def steps(self) -> int:
        """Steps of the whole training."""
        return self.trial.all_steps if isinstance(self.trial, Pretraining) else self.trial.training.steps

    @property
    def batch(self) -> int:
        """Words or samples of one step."""
        return self.trial.batch if isinstance(self.trial, Pretraining) else self.trial.training.batch

    @property
    def cpu_s(self) -> float:
        """Estimated processor seconds of the training."""
        raise NotImplementedError

    @property
    def caches(self) -> tuple[Place, ...]:
        """The prepared inputs."""
        raise NotImplementedError

    def inputs(self, storage: Place) -> dict[str, str]:
        """Return the inputs for ``config.json``: name -> path on the storage path."""
        raise NotImplementedError


@dataclass(frozen=True)
class WordJob(Job):
    """A trial that trains on words."""

    trial: Trial
    store: Place
    """The word store."""
    features: Place
    """The list of the feature shards, ``features.json``."""
    weights: Path
    """The weights file on this machine."""
    shared_weights: Place | None
    """The weights where every machine can read them. None for the weights in the package."""
    start: Place | None = None
    """Folder of the trial of an earlier stage from which this trial starts."""

    @property
    def copies_weights(self) -> bool:
        """Return True if the weights file is copied to the storage path. A trial of stage 1 writes its own there."""
        return self.shared_weights is not None and self.shared_weights.name != UNIVERSAL_FILE

    @property
    def cpu_s(self) -> float:
        return training_cpu_s(self.trial)

    @property
    def caches(self) -> tuple[Place, ...]:
        return (self.store, self.features)

    def inputs(self, storage: Place) -> dict[str, str]:
        weights = relative_path(self.shared_weights, storage) if self.shared_weights else LAPTOP
        inputs = {"store": relative_path(self.store, storage), "features": relative_path(self.features, storage), "weights": weights}
        return inputs | ({"start": relative_path(self.start, storage)} if self.start is not None else {})


@dataclass(frozen=True)
class StartWeights:
    """A weights file that a spotter or stage 1 starts from."""

    name: str
    """Its field in ``config.json``: ``detector`` or ``reader``, as in ``weights``, and ``weights`` for stage 1."""
    file: Path
    """The file on this machine."""
    shared: Place | None
    """A copy that every machine can read. None for weights in the package."""


@dataclass(frozen=True)
class SceneJob(Job):
    """A trial that trains on scenes."""

    trial: SceneTrial
    scenes: Place
    """The scenes as a memory-mapped file."""
    weights: tuple[StartWeights, ...] = ()

    @property
    def cpu_s(self) -> float:
        return detector_cpu_s(self.trial) if isinstance(self.trial, Detector) else spotter_cpu_s(self.trial)

    @property
    def caches(self) -> tuple[Place, ...]:
        return (self.scenes, *(each.shared for each in self.weights if each.shared))

    def inputs(self, storage: Place) -> dict[str, str]:
        weights = {each.name: relative_path(each.shared, storage) if each.shared else LAPTOP for each in self.weights}
        return {"scenes": relative_path(self.scenes, storage), **weights}


def word_jobs(jobs: Iterable[Job]) -> tuple[WordJob, ...]:
    """Return the jobs that train on words."""
    return tuple(job for job in jobs if isinstance(job, WordJob))


def scene_jobs(jobs: Iterable[Job]) -> tuple[SceneJob, ...]:
    """Return the jobs that train on scenes."""
    return tuple(job for job in jobs if isinstance(job, SceneJob))


def require_distinct(jobs: Sequence[Job]) -> None:
    """Raise ConfigError if two trials are the same."""
    if len({job.id for job in jobs}) < len(jobs):
        raise ConfigError("grid: two of its trials are the same; give each value once")


def weights_file(name: str, setting: str = "weights.file") -> Path:
    """Return the file that a setting such as ``weights.file`` names. Raises ConfigError if it does not exist."""
    path = LAPTOP_WEIGHTS if name == LAPTOP else local_path(name).absolute()
    if not path.is_file():
        raise ConfigError(f"{setting}: no file {path}")
    return path


def file_hash(path: Path) -> str:
    """Return the SHA-256 of a file's content."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


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
        config = {"label": job.label, "sweep": job.folder.parent.name, "trial": to_json(job.trial), "data": job.data}
        write_json(job.folder / CONFIG_FILE, config | job.inputs(storage), durable=False)


def relative_path(place: Place, storage: Place) -> str:
    """Return a place on the storage path as ``config.json`` names it."""
    return str(place.relative_to(storage))  # type: ignore[arg-type]
