"""Without Ray: the same packs in processes of this machine; a single one runs in this process, for a debugger."""

from collections.abc import Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from raygroup.config import ConfigError
from raygroup.runtime.packs import ON_CPU, PackedJobs, Placement
from raygroup.runtime.plan import at_once
from raygroup.runtime.processes import cores, pool

_RETRIES = 2
"""How often trials go on whose process was killed from outside."""


def run_packs(packs: Sequence[PackedJobs], storage: Path, placement: Placement = ON_CPU) -> dict[str, str]:
    """Trains the packs; the reason of each trial that failed, by id."""
    if len(packs) == 1 or cores() == 1 or placement.device != "cpu":
        return {job: reason for pack in packs for job, reason in _run_one(pack, storage, placement).items()}
    failed: dict[str, str] = {}
    for _ in range(1 + _RETRIES):
        waiting = [pack for pack in packs if any(not job.done and job.id not in failed for job in pack.jobs)]
        failed |= _in_processes(waiting, storage, placement)
    jobs = [job for pack in packs for job in pack.jobs]
    unfinished = {job.id: "its process was killed again and again" for job in jobs if not job.done and job.id not in failed}
    return failed | unfinished


def require_device(device: str) -> None:
    """Raises ConfigError for a device this machine lacks."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ConfigError("--device cuda: torch sees no GPU on this machine; leave the flag out, or name a cluster with --address")


def _in_processes(packs: Sequence[PackedJobs], storage: Path, placement: Placement) -> dict[str, str]:
    if not packs:
        return {}
    failed: dict[str, str] = {}
    with pool(at_once(len(packs), cores())) as workers:
        waiting = [workers.submit(_run_one, pack, storage, placement) for pack in packs]
        for future in as_completed(waiting):
            try:
                failed |= future.result()
            except BrokenProcessPool:
                break
    return failed


def _run_one(pack: PackedJobs, storage: Path, placement: Placement) -> dict[str, str]:
    from raygroup.runtime.worker import run_pack

    return run_pack([job.folder for job in pack.jobs], storage, placement)
