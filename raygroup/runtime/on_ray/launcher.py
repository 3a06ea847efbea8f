"""Train packs on Ray, and replace a driver that was killed."""

import time
from collections.abc import Callable, Sequence
from typing import Any

from raygroup.errors import ClusterLostError, WorkerDiedError
from raygroup.files.places import Place
from raygroup.runtime.attempt.failure import read_failure
from raygroup.runtime.on_ray.channel import NOTE
from raygroup.runtime.on_ray.driver import ENDED, MORE, STARTED, Order, drive
from raygroup.runtime.on_ray.driver_process import DriverProcess
from raygroup.runtime.pack_queue import MAX_FRUITLESS_ATTEMPTS, RunListener
from raygroup.runtime.placement import ON_CPU, Placement
from raygroup.runtime.planning.packs import JobPack, PackSource
from raygroup.storage.checkpoint_index import listed_steps
from raygroup.storage.layout import CONFIG_FILE


def run_packs(
    packs: Sequence[JobPack], storage: Place, listener: RunListener, address: str | None = None, placement: Placement = ON_CPU,
    source: PackSource | None = None,
) -> dict[str, str]:  # fmt: skip
    """Train the packs, and those of a source, and return the trials that failed: id -> reason.

    ``address`` is that of a running cluster. None starts one for this run. A driver that is killed,
    perhaps because memory ran out, is replaced as long as trials advance. Raises ClusterLostError
    if the cluster is gone or drivers die again and again.
    """
    remaining = tuple(packs)
    failed: dict[str, str] = {}
    barren, total_steps = 0, -1
    while remaining or source:
        try:
            return failed | _run_driver(Order(remaining, storage, placement, address, source), listener)
        except WorkerDiedError as error:
            died = str(error)
        remaining, failed_now = _split_unfinished(remaining)
        failed |= failed_now
        steps_before, total_steps = total_steps, _total_checkpoint_steps(packs, source)
        barren = barren + 1 if total_steps == steps_before else 0
        if barren > MAX_FRUITLESS_ATTEMPTS:
            raise ClusterLostError(f"{died}, again and again")
        listener.on_message(f"{died}; starting another one")
        time.sleep(2**barren)
    return failed


def _run_driver(order: Order, listener: RunListener) -> dict[str, str]:
    handlers: dict[str, Callable[[Any], None]] = {
        STARTED: listener.on_start, ENDED: listener.on_end, MORE: listener.on_more, NOTE: listener.on_message,
    }  # fmt: skip
    result: dict[str, str] = {}
    with DriverProcess(drive, order, order.address) as driver:
        for kind, content in driver.messages():
            if kind in handlers:
                handlers[kind](content)
            else:
                result = content
    return result


def _total_checkpoint_steps(packs: Sequence[JobPack], source: PackSource | None) -> int:
    """Return the steps in checkpoints, summed over all trials. The sum grows as long as trials advance."""
    folders = [job.folder for pack in packs for job in pack.jobs]
    if source:
        folders += [path.parent for path in source.sweep_folder.glob(f"*/{CONFIG_FILE}")]
    return sum(max(listed_steps(folder), default=0) for folder in folders)


def _split_unfinished(packs: Sequence[JobPack]) -> tuple[tuple[JobPack, ...], dict[str, str]]:
    """Return the packs without their finished jobs, and the jobs that failed.

    A finished job is done or has failed. The failed ones are given as id -> reason.
    """
    remaining: list[JobPack] = []
    failed: dict[str, str] = {}
    for pack in packs:
        reasons = {job.id: read_failure(job.folder) for job in pack.jobs}
        failed |= {job: reason for job, reason in reasons.items() if reason is not None}
        jobs = tuple(job for job in pack.jobs if reasons[job.id] is None and not job.done)
        if jobs:
            remaining.append(JobPack(jobs))
    return tuple(remaining), failed
