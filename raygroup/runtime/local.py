"""Run packs without Ray, in processes of this machine."""

import functools
import sys
from collections.abc import Sequence
from dataclasses import replace

from raygroup.errors import WorkerDiedError
from raygroup.files.places import Place
from raygroup.runtime.pack_queue import PackQueue, RunListener
from raygroup.runtime.placement import ON_CPU, Placement, goes_first, num_parallel_trials
from raygroup.runtime.planning.packs import JobPack, PackSource
from raygroup.runtime.processes import WorkerPool, cores, give_way

_POLL_S = 5.0


def run_packs(
    packs: Sequence[JobPack], storage: Place, listener: RunListener, workers: WorkerPool, placement: Placement = ON_CPU,
    source: PackSource | None = None,
) -> dict[str, str]:  # fmt: skip
    """Train the packs, and those of a source, and return the trials that failed: id -> reason.

    The processes of ``workers`` do it, so a stall or a kill costs an attempt and not the command.
    Under a debugger a single pack on a CPU runs in this process, where it can be followed. On a GPU
    packs run one after another, each in a new process. A process in which CUDA failed once is of no
    further use, and a pack that lacked memory is tried again in halves.
    """
    queue = PackQueue(packs, storage, listener, placement.storage_patience_s, source)
    on_gpu = placement.device != "cpu"
    first = None if on_gpu or source else goes_first(packs[0].id, len(packs), cores())
    work = functools.partial(_run_pack, storage=storage, placement=placement, first=first)
    if len(packs) == 1 and not source and not on_gpu and is_debugged():
        pack = queue.next()
        if pack:
            # A debugger may stop at a line for as long as its user likes.
            queue.end(pack, _run_pack(pack, storage, replace(placement, stall_timeout_s=0.0)))
        return queue.failed
    num_workers = cores() if source else num_parallel_trials(len(packs), cores())
    workers.resize(1 if on_gpu else num_workers, reuse=not on_gpu)
    while not queue.over:
        while not workers.full and (pack := queue.next()):
            workers.submit(pack, work, pack)
        for pack, result in workers.results(_POLL_S):
            if isinstance(result, WorkerDiedError):
                queue.retry(pack, str(result))
            else:
                queue.end(pack, result)
    return queue.failed


def is_debugged() -> bool:
    """Return True if a debugger follows this process."""
    monitoring = getattr(sys, "monitoring", None)  # since Python 3.12
    return sys.gettrace() is not None or (monitoring is not None and monitoring.get_tool(monitoring.DEBUGGER_ID) is not None)


def _run_pack(pack: JobPack, storage: Place, placement: Placement, first: str | None = None) -> dict[str, str]:
    from raygroup.runtime.attempt.worker import run_pack

    if first not in (None, pack.id):
        give_way()
    return run_pack([job.folder for job in pack.jobs], storage, placement)
