"""Jobs: one trial of a plan, with the places of its inputs and outputs."""

import importlib.resources
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from raygroup.config import Trial
from raygroup.config_sections import to_json
from raygroup.costs import training_cpu_s
from raygroup.errors import ConfigError
from raygroup.files.atomic import write_json
from raygroup.files.places import Place
from raygroup.storage.layout import CONFIG_FILE, FAILED_FILE
from raygroup.storage.sweeps import is_done

BUNDLED = Path(str(importlib.resources.files("raygroup.weights") / "laptop.safetensors"))


@dataclass(frozen=True)
class Job:
    """A trial and where its input and output lie."""

    id: str
    label: str
    trial: Trial
    folder: Place
    data: str
    """Fingerprint of words and weights."""
    store: Place
    features: Place
    weights: Path
    """The file on this machine."""
    shared_weights: Place | None
    """Where every machine finds it; None for the weights in the package."""

    @property
    def done(self) -> bool:
        return is_done(self.folder)

    @property
    def cpu_s(self) -> float:
        """Estimated processor seconds of the training."""
        return training_cpu_s(self.trial)


def weights_file(name: str) -> Path:
    """The file of a ``weights.file`` setting; raises ConfigError where there is none."""
    path = BUNDLED if name == "laptop" else Path(name).absolute()
    if not path.is_file():
        raise ConfigError(f"weights.file: no file {path}")
    return path


def declare_trials(jobs: Iterable[Job], storage: Place) -> None:
    """Writes what these trials are, when their turn has come; one that failed before is tried again."""
    for job in jobs:
        job.folder.mkdir(parents=True, exist_ok=True)
        (job.folder / FAILED_FILE).unlink(missing_ok=True)
        inputs = {name: _within(getattr(job, name), storage) for name in ("store", "features")}
        weights = _within(job.shared_weights, storage) if job.shared_weights else "laptop"
        config = {"label": job.label, "sweep": job.folder.parent.name, "trial": to_json(job.trial), "data": job.data, **inputs}
        write_json(job.folder / CONFIG_FILE, config | {"weights": weights}, durable=False)


def _within(place: Place, storage: Place) -> str:
    return str(place.relative_to(storage))  # type: ignore[arg-type]
