"""Start a driver of Ray in a child process, and watch it.

When its cluster is lost, Ray ends a driver without a message. The watching process is still there,
so it can report the loss and the command that continues the work.
"""

import contextlib
import multiprocessing
import os
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from typing import Any

from raygroup.errors import ClusterLostError, ConfigError, RaygroupError, WorkerDiedError
from raygroup.runtime.on_ray.channel import BAD_INPUT, BEAT, CRASHED, LOST, RESULT, STORAGE_FAILED, Channel
from raygroup.runtime.processes import end_with_parent

_POLL_S = 1.0

Drive = Callable[[Any, Channel], None]
"""The work of the child: ``drive(order, channel)``.

It must be importable, because the child is a fresh interpreter.
"""


@dataclass(frozen=True)
class Limits:
    """Limits, in seconds, on waiting for the child."""

    start_s: float = 180.0
    """Until the first heartbeat, while the child connects to a cluster or starts one."""
    head_s: float = 45.0
    """Between two heartbeats. After this time the head is lost; Ray itself gives up after 60 s."""
    end_s: float = 20.0
    """For the child to end by itself before it is killed."""


class DriverProcess:
    """A child process that drives Ray. Leaving the ``with`` block ends it."""

    def __init__(self, drive: Drive, order: Any, address: str | None, limits: Limits | None = None) -> None:
        """``address`` is that of the cluster, for error messages.

        None is a cluster that the child starts for this run.
        """
        context = multiprocessing.get_context("spawn")
        self.limits = limits or Limits()
        self._cluster = f"at {address}" if address else "of this run"
        self._pipe, self._child_pipe = context.Pipe()
        self._process = context.Process(target=_run_child, args=(drive, order, self._child_pipe, os.getpid()))

    def __enter__(self) -> "DriverProcess":
        self._process.start()
        self._child_pipe.close()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send("end")
        if kind is None:
            return  # the child stops its cluster while results are printed; Python waits for it at exit
        self._process.join(self.limits.end_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def messages(self) -> Iterator[tuple[str, Any]]:
        """Yield the child's messages as (kind, content). The result is the last.

        Raises ConfigError, OSError or RuntimeError if the child reports one, ClusterLostError if
        the cluster or its head is gone, and WorkerDiedError if a signal killed the child.
        """
        last_beat, limit_s = time.monotonic(), self.limits.start_s
        while True:
            message = self._receive()
            if message is None:
                if time.monotonic() - last_beat > limit_s:
                    self._process.kill()
                    raise ClusterLostError(self._describe_head(f"has not answered for {limit_s:g} s"))
                continue
            kind, content = message
            if kind == BEAT:
                last_beat, limit_s = time.monotonic(), self.limits.head_s
                continue
            self._raise_reported_error(kind, content)
            yield kind, content
            if kind == RESULT:
                return

    def _receive(self) -> tuple[str, Any] | None:
        """Return the next message, or None if none arrives in a second."""
        ready = wait([self._pipe, self._process.sentinel], min(_POLL_S, self.limits.head_s))
        if self._pipe in ready:
            try:
                kind, content = self._pipe.recv()
            except (EOFError, OSError):
                raise self._end_error() from None
            return kind, content
        if ready:
            raise self._end_error()
        return None

    def _raise_reported_error(self, kind: str, content: Any) -> None:
        if kind == BAD_INPUT:
            raise ConfigError(content)
        if kind == LOST:
            raise ClusterLostError(self._describe_head(content))
        if kind == STORAGE_FAILED:
            raise OSError(content)
        if kind == CRASHED:
            raise RuntimeError(f"the driver crashed:\n{content}")

    def _end_error(self) -> RaygroupError:
        """Return the error for a child that ended before its result."""
        self._process.join()
        code = self._process.exitcode or 0
        if code < 0:
            return WorkerDiedError(f"the driver process ended by signal {-code}")
        # Ray's core ends a driver that has lost its head or its own node.
        return ClusterLostError(self._describe_head("is gone"))

    def _describe_head(self, state: str) -> str:
        return f"the head of the Ray cluster {self._cluster} {state}"


def _run_child(drive: Drive, order: Any, pipe: Connection, parent: int) -> None:
    # Ctrl-C is for the parent. The terminal must send it neither to this process nor to its cluster.
    os.setpgid(0, 0)
    sys.stdin.close()
    end_with_parent(parent)
    drive(order, Channel(pipe))
