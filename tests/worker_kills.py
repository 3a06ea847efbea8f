"""Kill the worker processes of this process, as the kernel does if memory is short."""

import contextlib
import multiprocessing
import threading
from collections.abc import Iterator


@contextlib.contextmanager
def killing_workers(most: int = 1_000) -> Iterator[None]:
    """Kill the first ``most`` worker processes as soon as they start, while the block runs."""
    over = threading.Event()
    killed: set[int | None] = set()

    def kill() -> None:
        while len(killed) < most and not over.wait(0.002):
            for process in multiprocessing.active_children():
                if process.pid not in killed and len(killed) < most:
                    killed.add(process.pid)
                    process.kill()

    thread = threading.Thread(target=kill)
    thread.start()
    try:
        yield
    finally:
        over.set()
        thread.join()
