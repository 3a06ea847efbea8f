"""Worker processes of this machine: as many as there are cores, and none that outlives its driver."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Fresh interpreters that leave Ctrl-C to the driver; an error in the block ends them at once."""
    context = multiprocessing.get_context("spawn")
    made = ProcessPoolExecutor(workers, context, _end_with_parent, (os.getpid(),))
    try:
        yield made
    except BaseException:
        for process in list(made._processes.values()):
            process.terminate()
        made.shutdown(cancel_futures=True)
        raise
    made.shutdown()


def _end_with_parent(parent: int) -> None:
    """A worker of a killed driver would wait for work for ever: it ends when its parent is another one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()
