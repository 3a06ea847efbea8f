"""Trials into packs: on a processor one trial each, on a GPU as many as fit its memory."""

import functools
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.local_copies import localised
from raygroup.files.places import Place
from raygroup.packing import fitting, pack_bytes, shared_settings
from raygroup.runtime.attempt.checkpoints import listed_steps
from raygroup.runtime.planning.plan import Job
from raygroup.words.charset import Charset
from raygroup.words.feature_store import stored_shape
from raygroup.words.word_store import read_words

_TRUNK_GIVES = (24, 256)
"""Word features of the trunk in the package, where none are made yet."""


@dataclass(frozen=True)
class Placement:
    """Where trials compute, and in which form: nothing of it changes what a trial is."""

    device: str = "cpu"
    kernels: str = "auto"
    device_memory_gb: float | None = None
    """Memory of one GPU, where none can be asked."""
    workers: tuple[int, int] = (1, 1)
    """Fewest and most workers of a pack; more than one train it together (Ray Train)."""
    accumulate: int = 1
    """Parts in which a worker reads its words of a step, one after the other."""
    stall_timeout_s: float = 1800.0
    """A worker without a step for so long ends, and another attempt begins; 0: never."""
    storage_patience_s: float = 900.0
    """How long a worker waits for storage that fails before its trials do."""


ON_CPU = Placement()


@dataclass(frozen=True)
class PackedJobs:
    """Trials of a sweep that train together."""

    jobs: tuple[Job, ...]

    @property
    def memory_bytes(self) -> int:
        """Estimate of what they take on a GPU."""
        return self.memory_on("cuda")

    def memory_on(self, device: str) -> int:
        """Estimate of what they take on a device."""
        return pack_bytes([job.trial for job in self.jobs], *sizes(self.jobs[0]), on_gpu=device != "cpu")

    @property
    def id(self) -> str:
        """Of the first, and how many follow."""
        return self.jobs[0].id + (f"+{len(self.jobs) - 1}" if len(self.jobs) > 1 else "")


def require_workers(placement: Placement, local: bool) -> None:
    """Raises ConfigError for workers that nobody could start."""
    if local and placement.workers[1] > 1:
        raise ConfigError("--workers: several workers for one pack need Ray; leave --local out")


def require_kernels(placement: Placement) -> None:
    """Raises ConfigError for a form of kernels that is none, or that the device cannot run."""
    from raygroup.model.kernels.forms import kernels

    try:
        kernels(placement.kernels, placement.device)
    except ValueError as error:
        raise ConfigError(f"--kernels: {error}") from error


def require_device_memory(placement: Placement) -> None:
    """Raises ConfigError where no GPU's memory is known, by which trials are packed."""
    if placement.device != "cpu" and placement.device_memory_gb is None:
        _asked_gb()


def packs_of(jobs: Sequence[Job], placement: Placement) -> list[PackedJobs]:
    """Packs in which every job stands once. Raises ConfigError where no GPU's memory is known."""
    if placement.device == "cpu":
        return [PackedJobs((job,)) for job in jobs]
    memory_bytes = 1e9 * (placement.device_memory_gb or _asked_gb())
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        alike.setdefault(repr((_inputs(job), shared_settings(job.trial), listed_steps(job.folder))), []).append(job)
    found = []
    for group in alike.values():
        packs = fitting([job.trial for job in group], *sizes(group[0]), memory_bytes)
        found += [PackedJobs(tuple(group[place] for place in pack)) for pack in packs]
    return found


def sizes(job: Job) -> tuple[int, tuple[int, ...]]:
    """Classes of the output layer, and the shape of word features."""
    return _output(job.store, sum(job.trial.words.characters)), _shape(job.features)


def _inputs(job: Job) -> tuple[Place, Place, Path]:
    return job.store, job.features, job.weights


def _asked_gb() -> float:
    """Memory of the smallest GPU of this machine, in 10^9 bytes."""
    ask = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=30).stdout
        return min(float(line) for line in answer.split()) * 2**20 / 1e9
    except (OSError, ValueError, subprocess.SubprocessError):
        raise ConfigError("--device-memory-gb: no GPU can be asked here how much memory it has; say how much one has, such as 80") from None


def _output(store: Place, planned: int) -> int:
    """Classes of the output layer: of the words, or of what is planned where there are none yet."""
    return _classes(store) if store.is_file() else planned + 2


@functools.cache
def _classes(store: Place) -> int:
    words = read_words(localised(store))
    labels = words.labels()
    return Charset.of(labels[row] for row in words.rows_of("train")).num_classes


def _shape(features: Place) -> tuple[int, ...]:
    return stored_shape(features) if features.is_file() else _TRUNK_GIVES
