"""Worker processes of this machine. None of them outlives its driver."""

import contextlib
import multiprocessing
import os
import signal
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from multiprocessing.reduction import ForkingPickler
from typing import Any

from raygroup.errors import WorkerDiedError
from raygroup.runtime.worker_start import Surroundings, start_context

_NORMAL_PRIORITY = os.getpriority(os.PRIO_PROCESS, 0)
"""Priority with which this process started, in steps of ``nice``."""
_GIVE_WAY = 10
_LOWEST_PRIORITY = 19
_START_PAUSES_S = (0.0, 0.1, 0.5, 1.0, 0.0)


def cores() -> int:
    """Return the number of cores that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def give_way() -> None:
    """Lower the priority of this thread, so that others of this machine get its cores first."""
    os.setpriority(os.PRIO_PROCESS, 0, min(_NORMAL_PRIORITY + _GIVE_WAY, _LOWEST_PRIORITY))


def end_with_parent() -> None:
    """Ignore Ctrl-C in this process, and end it when the process that asked for it is gone.

    Without this, the worker of a killed driver would wait for work forever.
    """
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    parent = multiprocessing.parent_process()
    assert parent is not None
    sentinel = parent.sentinel

    def watch() -> None:
        wait([sentinel])
        os._exit(1)

    threading.Thread(target=watch, daemon=True).start()


@dataclass
class _Worker:
    process: BaseProcess
    pipe: Connection
    key: Any = field(default=None)


@dataclass(frozen=True)
class _Raised:
    """An error that work raised, on its way to the driver."""

    error: Exception


class WorkerPool:
    """Processes that each do one piece of work at a time.

    If a process dies, the others continue and a new one replaces it. A ProcessPoolExecutor would
    lose all of them.
    """

    def __init__(self, size: int, *, reuse: bool = True, preload: str = "") -> None:
        """Without ``reuse``, every piece of work gets a new process.

        ``preload`` names a module that the work needs and that takes long to import.
        """
        self.size = size
        self.reuse = reuse
        self._idle: list[_Worker] = []
        self._busy: list[_Worker] = []
        self._context = start_context(preload)

    def __enter__(self) -> "WorkerPool":
        return self

    def __exit__(self, *_: object) -> None:
        _end([*self._idle, *self._busy])

    @property
    def full(self) -> bool:
        return len(self._busy) >= self.size

    def resize(self, size: int, *, reuse: bool = True) -> None:
        """Change the number of processes, and end the idle ones that are now too many."""
        self.size, self.reuse = size, reuse
        kept = max(0, size - len(self._busy))
        surplus, self._idle = self._idle[kept:], self._idle[:kept]
        _end(surplus)

    def submit(self, key: Any, work: Callable[..., Any], *arguments: Any) -> None:
        """Give work to an idle process, or to a new one. ``results`` names it by its key."""
        worker = self._send_to_idle((work, arguments))
        if worker is None:
            worker = self._start_worker()
            with contextlib.suppress(OSError):  # it died at once: ``results`` reports that
                worker.pipe.send((work, arguments))
        worker.key = key
        self._busy.append(worker)

    def results(self, timeout_s: float | None = None) -> Iterator[tuple[Any, Any]]:
        """Wait for finished work, and yield each key with its result.

        The result is a WorkerDiedError if the process died. It is one too if the work raised an
        error, which is then its cause. Nothing is yielded if no work finishes in time.
        """
        ready = wait([worker.pipe for worker in self._busy], timeout_s)
        for worker in [worker for worker in self._busy if worker.pipe in ready]:
            self._busy.remove(worker)
            try:
                result = worker.pipe.recv()
            except (EOFError, OSError):
                worker.process.join()
                yield worker.key, WorkerDiedError(f"its process ended{_exit_text(worker.process.exitcode)}")
                continue
            if self.reuse and not isinstance(result, _Raised):
                self._idle.append(worker)
            else:
                worker.process.terminate()
            yield worker.key, _worker_error(result.error) if isinstance(result, _Raised) else result

    def _send_to_idle(self, order: object) -> _Worker | None:
        """Send an order to an idle process. Returns None if none is alive."""
        while self._idle:
            worker = self._idle.pop()
            try:
                if worker.process.is_alive():
                    worker.pipe.send(order)
                    return worker
            except OSError:
                pass  # it was killed while it was idle
            worker.process.join()
        return None

    def _start_worker(self) -> _Worker:
        """Start a process. A fork server that was killed is replaced, which may take more than one try.

        Raises WorkerDiedError after ``len(_START_PAUSES_S)`` tries.
        """
        for pause_s in _START_PAUSES_S:
            try:
                return self._start_once()
            except (OSError, EOFError) as error:
                fault = error
            time.sleep(pause_s)
        raise WorkerDiedError(
            f"{len(_START_PAUSES_S)} times in a row no worker process could be started: {fault}; free memory or use fewer processes"
        ) from fault

    def _start_once(self) -> _Worker:
        ours, theirs = self._context.Pipe()
        process = self._context.Process(target=_serve, args=(theirs, Surroundings()), daemon=True)
        process.start()
        theirs.close()
        return _Worker(process, ours)


def _end(workers: Sequence[_Worker]) -> None:
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(10)
        if worker.process.is_alive():
            worker.process.kill()


def _worker_error(error: Exception) -> WorkerDiedError:
    """Return an error of work for those who only read its text. Its cause is the error itself."""
    died = WorkerDiedError(f"{type(error).__name__}: {error}")
    died.__cause__ = error
    return died


def _exit_text(code: int | None) -> str:
    """Return how a process ended, from its exit code. A negative code is a signal."""
    if code is None:
        return ""
    if code < 0:
        return f" by {signal.Signals(-code).name}" + (" (out of memory?)" if code == -signal.SIGKILL else "")
    return f" with exit code {code}"


def _serve(pipe: Connection, _: Surroundings) -> None:
    """Do the work that comes through the pipe.

    After an error the process ends, because its state is unknown.
    """
    end_with_parent()
    while True:
        try:
            work, arguments = pipe.recv()
        except EOFError:
            return
        try:
            result = work(*arguments)
        except Exception as error:
            pipe.send(_Raised(_portable(error)))
            return
        pipe.send(result)


def _portable(error: Exception) -> Exception:
    """Return the error with its traceback as a note, or its text if it cannot be sent."""
    text = "".join(traceback.format_exception(error))
    try:
        error.add_note(f"In a worker process:\n{text}")
        ForkingPickler.loads(ForkingPickler.dumps(error))
    except Exception:
        return RuntimeError(text)
    return error
