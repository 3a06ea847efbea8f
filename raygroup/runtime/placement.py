"""Where trials compute, and checks that this machine can do it."""

import platform
import subprocess
from dataclasses import dataclass
from pathlib import Path

from raygroup import values
from raygroup.errors import ConfigError


@dataclass(frozen=True)
class Placement:
    """Where and how trials compute. None of it changes what a trial is."""

    device: str = "cpu"
    """``cpu`` or ``cuda``."""
    kernels: str = "auto"
    """The form in which heads are computed."""
    device_memory_gb: float | None = None
    """Memory of one GPU, in 10^9 bytes. None reads it from this machine's GPUs."""
    workers: tuple[int, int] = (1, 1)
    """Fewest and most workers that train one pack together. More than one need Ray Train."""
    accumulate: int = 1
    """Parts in which a worker reads its words of a step, one after the other."""
    stall_timeout_s: float = 1800.0
    """Time without a finished step after which a worker ends and another attempt starts. 0 turns this off."""
    storage_patience_s: float = 900.0
    """Longest time that a worker waits for failing storage. After that its trials fail."""

    def __post_init__(self) -> None:
        """Check the numbers. Raises ConfigError that names the flag."""
        if self.device_memory_gb is not None:
            values.MEMORY_GB.require("--device-memory-gb", self.device_memory_gb)
        for workers in self.workers:
            values.WORKERS.require("--workers", workers)
        if self.workers[0] > self.workers[1]:
            raise ConfigError(f"--workers is {self.workers}: the smaller number must come first")
        values.ACCUMULATE.require("--accumulate", self.accumulate)
        values.SECONDS.require("--stall-timeout", self.stall_timeout_s)
        values.SECONDS.require("--storage-patience", self.storage_patience_s)


ON_CPU = Placement()


def require_device(device: str) -> None:
    """Raise ConfigError if this machine lacks the device."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ConfigError("--device cuda: torch sees no GPU on this machine; leave the flag out, or name a cluster with --address")


def require_workers(placement: Placement, local: bool) -> None:
    """Raise ConfigError if several workers are to train a pack without Ray."""
    if local and placement.workers[1] > 1:
        raise ConfigError("--workers: several workers for one pack need Ray; leave --local out")


def require_kernels(placement: Placement) -> None:
    """Raise ConfigError if the kernels are unknown or cannot run on the device."""
    from raygroup.model.kernels.forms import choose_kernels

    try:
        choose_kernels(placement.kernels, placement.device)
    except ValueError as error:
        raise ConfigError(f"--kernels: {error}") from error


def require_device_memory(placement: Placement) -> None:
    """Raise ConfigError if the memory of a GPU is unknown. It decides how trials are packed."""
    if placement.device != "cpu" and placement.device_memory_gb is None:
        gpu_memory_gb()


def num_parallel_trials(trials: int, cores: int) -> int:
    """Return how many trials of one thread run at a time.

    It is one for each core. If a few more than that would finish the sweep in one round, all of
    them run at once, because a second round would leave most cores idle.
    """
    fits_in_one_round = trials <= cores + max(3, cores // 2)
    return trials if fits_in_one_round else cores


def goes_first(first: str, trials: int, cores: int) -> str | None:
    """Return the pack that gets a core of its own, if more trials than cores run at once.

    Otherwise all of them would end together, and a user would see no result before that. The others
    share the remaining cores, and the sweep as a whole takes as long as before.
    """
    return first if cores < trials == num_parallel_trials(trials, cores) else None


def gpu_memory_gb() -> float:
    """Return the memory of this machine's smallest GPU, in 10^9 bytes.

    Raises ConfigError if nvidia-smi cannot report it.
    """
    command = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        output = subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout
        return min(float(line) for line in output.split()) * 2**20 / 1e9
    except (OSError, ValueError, subprocess.SubprocessError):
        raise ConfigError(
            "--device-memory-gb is missing, and nvidia-smi does not report the memory of a GPU here: give the memory of one GPU, such as 80"
        ) from None


def machine_model(device: str) -> str:
    """Return the model of the processor or GPU. It is empty if unknown."""
    if device != "cpu":
        command = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        try:
            return subprocess.run(command, capture_output=True, text=True, check=True, timeout=30).stdout.split("\n")[0].strip()
        except (OSError, subprocess.SubprocessError):
            return ""
    cpuinfo = Path("/proc/cpuinfo")
    lines = cpuinfo.read_text().splitlines() if cpuinfo.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())
