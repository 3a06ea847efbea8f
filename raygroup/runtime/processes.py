"""Worker processes of this machine: as many as there are cores, and none that outlives its driver."""

import multiprocessing
import os
import signal
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ProcessPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Any

from raygroup.errors import WorkerDiedError


def cores() -> int:
    """Cores this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Fresh interpreters that leave Ctrl-C to the driver; an error in the block ends them at once."""
    context = multiprocessing.get_context("spawn")
    made = ProcessPoolExecutor(workers, context, end_with_parent, (os.getpid(),))
    try:
        yield made
    except BaseException:
        for process in list(made._processes.values()):
            process.terminate()
        made.shutdown(cancel_futures=True)
        raise
    made.shutdown()


def end_with_parent(parent: int) -> None:
    """A worker of a killed driver would wait for work for ever: it ends when its parent is another one."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)

    def watch() -> None:
        while os.getppid() == parent:
            time.sleep(0.5)
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclass
class _Worker:
    process: SpawnProcess
    pipe: Connection
    item: Any = field(default=None)


class WorkerPool:
    """Processes that each do one item at a time. One that dies takes no other with it, as it would in a pool, and is replaced."""

    def __init__(self, size: int, work: Callable[[Any], Any], *, fresh: bool = False) -> None:
        """``work`` does one item; ``fresh`` gives every item a process of its own."""
        self.size, self.work, self.fresh = size, work, fresh
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._context = multiprocessing.get_context("spawn")

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        for worker in [*self._idle, *self._busy]:
            worker.process.terminate()
        for worker in [*self._idle, *self._busy]:
            worker.process.join(10)
            if worker.process.is_alive():
                worker.process.kill()

    @property
    def full(self) -> bool:
        return len(self._busy) >= self.size

    def submit(self, item: Any) -> None:
        worker = self._idle.pop() if self._idle else self._start_worker()
        worker.item = item
        worker.pipe.send(item)
        self._busy.append(worker)

    def results(self, timeout_s: float | None = None) -> Iterator[tuple[Any, Any]]:
        """Items that came to an end, with what they gave: a result, or a WorkerDiedError."""
        ready = wait([worker.pipe for worker in self._busy], timeout_s)
        for worker in [worker for worker in self._busy if worker.pipe in ready]:
            self._busy.remove(worker)
            try:
                result = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                yield worker.item, WorkerDiedError(f"its process ended{_how(worker.process.exitcode)}")
                continue
            if self.fresh or isinstance(result, WorkerDiedError):
                worker.process.terminate()
            else:
                self._idle.append(worker)
            yield worker.item, result

    def _start_worker(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(self.work, theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _how(code: int | None) -> str:
    if code is None:
        return ""
    if code < 0:
        return f" by {signal.Signals(-code).name}" + (" (out of memory?)" if code == -signal.SIGKILL else "")
    return f" with exit code {code}"


def _serve(work: Callable[[Any], Any], pipe: Connection, parent: int) -> None:
    """Does what comes through the pipe; an error ends the process, since nobody knows what it left behind."""
    end_with_parent(parent)
    while True:
        try:
            item = pipe.recv()
        except EOFError:
            return
        try:
            result = work(item)
        except Exception as error:
            pipe.send(WorkerDiedError(f"{type(error).__name__}: {error}"))
            return
        pipe.send(result)
