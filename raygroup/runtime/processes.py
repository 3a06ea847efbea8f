"""Worker processes of this machine. None of them outlives its driver."""

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

_NORMAL_PRIORITY = os.getpriority(os.PRIO_PROCESS, 0)
"""Priority with which this process started, in steps of ``nice``."""
_GIVE_WAY = 10
_LOWEST_PRIORITY = 19


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def give_way() -> None:
    """Lower the priority of this thread, so that others of this machine get its cores first."""
    os.setpriority(os.PRIO_PROCESS, 0, min(_NORMAL_PRIORITY + _GIVE_WAY, _LOWEST_PRIORITY))


@contextmanager
def pool(workers: int) -> Iterator[ProcessPoolExecutor]:
    """Yield a pool of new Python processes, which ignore Ctrl-C.

    An error in the block terminates them at once. Without an error the block waits for their work.
    """
    context = multiprocessing.get_context("spawn")
    executor = ProcessPoolExecutor(workers, context, end_with_parent, (os.getpid(),))
    try:
        yield executor
    except BaseException:
        for process in list(executor._processes.values()):
            process.terminate()
        executor.shutdown(cancel_futures=True)
        raise
    executor.shutdown()


def end_with_parent(parent: int) -> None:
    """Ignore Ctrl-C in this process, and end it when its parent is gone.

    ``parent`` is the parent's process id. Without this, the worker of a killed driver would wait
    for work forever.
    """
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
    """Processes that each work on one item at a time.

    If a process dies, the others continue and a new one replaces it. A ProcessPoolExecutor would
    lose all of them.
    """

    def __init__(self, size: int, work: Callable[[Any], Any], *, reuse: bool = True) -> None:
        """``work`` handles one item. Without ``reuse``, every item gets a new process."""
        self.size = size
        self.work = work
        self.reuse = reuse
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
        """Give an item to an idle process, or to a new one."""
        worker = self._idle.pop() if self._idle else self._start_worker()
        worker.item = item
        worker.pipe.send(item)
        self._busy.append(worker)

    def results(self, timeout_s: float | None = None) -> Iterator[tuple[Any, Any]]:
        """Wait for finished items, and yield each with its result.

        The result is a WorkerDiedError if the work raised an error or its process died. Nothing is
        yielded if no item finishes in time.
        """
        ready = wait([worker.pipe for worker in self._busy], timeout_s)
        for worker in [worker for worker in self._busy if worker.pipe in ready]:
            self._busy.remove(worker)
            try:
                result = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                yield worker.item, WorkerDiedError(f"its process ended{_exit_text(worker.process.exitcode)}")
                continue
            if self.reuse and not isinstance(result, WorkerDiedError):
                self._idle.append(worker)
            else:
                worker.process.terminate()
            yield worker.item, result

    def _start_worker(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(self.work, theirs, os.getpid()), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _exit_text(code: int | None) -> str:
    """Return how a process ended, from its exit code. A negative code is a signal."""
    if code is None:
        return ""
    if code < 0:
        return f" by {signal.Signals(-code).name}" + (" (out of memory?)" if code == -signal.SIGKILL else "")
    return f" with exit code {code}"


def _serve(work: Callable[[Any], Any], pipe: Connection, parent: int) -> None:
    """Work on the items that come through the pipe.

    After an error the process ends, because its state is unknown.
    """
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
