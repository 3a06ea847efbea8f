"""Where trials compute, and checks that this machine or cluster can do it."""

import subprocess
from dataclasses import dataclass

from raygroup.errors import ConfigError


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


def require_device(device: str) -> None:
    """Raises ConfigError for a device this machine lacks."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ConfigError("--device cuda: torch sees no GPU on this machine; leave the flag out, or name a cluster with --address")


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
        gpu_memory_gb()


def num_parallel_trials(trials: int, cores: int) -> int:
    """How many trials of one thread run at a time: one a core, but a few more where the last round would leave cores idle."""
    fits_in_one_round = trials <= cores + max(3, cores // 2)
    return trials if fits_in_one_round else cores


def gpu_memory_gb() -> float:
    """Memory of the smallest GPU of this machine, in 10^9 bytes."""
    ask = ["nvidia-smi", "--query-gpu=memory.total", "--format=csv,noheader,nounits"]
    try:
        answer = subprocess.run(ask, capture_output=True, text=True, check=True, timeout=30).stdout
        return min(float(line) for line in answer.split()) * 2**20 / 1e9
    except (OSError, ValueError, subprocess.SubprocessError):
        raise ConfigError("--device-memory-gb: no GPU can be asked here how much memory it has; say how much one has, such as 80") from None
