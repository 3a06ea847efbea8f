"""Without Ray: the same trials in processes of this machine; a single one runs in this process, for a debugger."""

from collections.abc import Sequence
from concurrent.futures import as_completed
from concurrent.futures.process import BrokenProcessPool
from pathlib import Path

from raygroup.config import ConfigError
from raygroup.runtime.plan import Job, at_once
from raygroup.runtime.processes import cores, pool

_RETRIES = 2
"""How often trials go on whose process was killed from outside."""


def run_jobs(jobs: Sequence[Job], storage: Path, device: str = "cpu") -> dict[str, str]:
    """Trains the jobs; the reason of each that failed, by id."""
    if len(jobs) == 1 or cores() == 1 or device != "cpu":
        outcomes = {job.id: _run_one(job.folder, storage, device) for job in jobs}
        return {job: reason for job, reason in outcomes.items() if reason}
    failed: dict[str, str] = {}
    for _ in range(1 + _RETRIES):
        failed |= _in_processes([job for job in jobs if not job.done and job.id not in failed], storage, device)
    unfinished = {job.id: "its process was killed again and again" for job in jobs if not job.done and job.id not in failed}
    return failed | unfinished


def require_device(device: str) -> None:
    """Raises ConfigError for a device this machine lacks."""
    if device == "cuda":
        import torch

        if not torch.cuda.is_available():
            raise ConfigError("--device cuda: torch sees no GPU on this machine; leave the flag out, or name a cluster with --address")


def _in_processes(jobs: Sequence[Job], storage: Path, device: str) -> dict[str, str]:
    if not jobs:
        return {}
    failed = {}
    with pool(at_once(len(jobs), cores())) as workers:
        waiting = {workers.submit(_run_one, job.folder, storage, device): job for job in jobs}
        for future in as_completed(waiting):
            try:
                reason = future.result()
            except BrokenProcessPool:
                break
            if reason:
                failed[waiting[future].id] = reason
    return failed


def _run_one(folder: Path, storage: Path, device: str) -> str | None:
    from raygroup.runtime.worker import run_trial

    return run_trial(folder, storage, device)
