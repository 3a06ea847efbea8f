"""Without Ray: the same trials in processes of this machine; a single one runs in this process, for a debugger."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from pathlib import Path

from raygroup.runtime.plan import Job, at_once
from raygroup.runtime.prepare import cores


def run_jobs(jobs: Sequence[Job], storage: Path, device: str = "cpu") -> dict[str, str]:
    """Trains the jobs; the reason of each that failed, by id."""
    if len(jobs) == 1 or cores() == 1 or device != "cpu":
        outcomes = {job.id: run_one(job.folder, storage, device) for job in jobs}
        return {job: reason for job, reason in outcomes.items() if reason}
    failed = {}
    context = multiprocessing.get_context("spawn")
    pool = ProcessPoolExecutor(at_once(len(jobs), cores()), context, _end_with_parent, (os.getpid(),), max_tasks_per_child=None)
    try:
        waiting = {pool.submit(run_one, job.folder, storage, device): job for job in jobs}
        for future in as_completed(waiting):
            reason = future.result()
            if reason:
                failed[waiting[future].id] = reason
    except BaseException:
        for process in list(pool._processes.values()):
            process.terminate()
        pool.shutdown(cancel_futures=True)
        raise
    pool.shutdown()
    return failed


def run_one(folder: Path, storage: Path, device: str) -> str | None:
    from raygroup.runtime.worker import run_trial

    return run_trial(folder, storage, device)


def _end_with_parent(parent: int) -> None:
    """A worker leaves Ctrl-C to the driver and ends when the driver is gone, however it went."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
