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
from pathlib import Path
from typing import Any

from raygroup.errors import ClusterLostError, ConfigError, RaygroupError, RayStartError, WorkerDiedError
from raygroup.runtime.on_ray.auth_token import prepare_token
from raygroup.runtime.on_ray.channel import BAD_INPUT, BEAT, CRASHED, LOST, NOT_JOINED, RESULT, START_FAILED, STORAGE_FAILED, Channel
from raygroup.runtime.on_ray.session_folder import make_session_folder, ray_logs, remove_session_folder
from raygroup.runtime.processes import end_with_parent

_POLL_S = 1.0

Drive = Callable[[Any, Channel, Path | None], None]
"""The work of the child: ``drive(order, channel, folder)``.

It must be importable, because the child is a fresh interpreter. The folder is that of a cluster of
this run.
"""


@dataclass(frozen=True)
class Limits:
    """Limits, in seconds, on waiting for the child."""

    start_s: float = 180.0
    """Until the first heartbeat, which follows the import of Ray, or the start of a cluster of this run."""
    head_s: float = 45.0
    """Between two heartbeats. After this time the head is lost; Ray itself gives up after 60 s."""
    end_s: float = 20.0
    """For the child to end by itself before it is killed."""


class DriverProcess:
    """A child process that drives Ray. Leaving the ``with`` block ends it."""

    def __init__(self, drive: Drive, order: Any, address: str | None, limits: Limits | None = None) -> None:
        """``address`` is that of the cluster. None is a cluster that the child starts for this run."""
        self.limits = limits or Limits()
        self.address = address
        self._drive = drive
        self._order = order
        self._folder: Path | None = None
        """The private folder of a cluster of this run."""

    def __enter__(self) -> "DriverProcess":
        self._start()
        return self

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        with contextlib.suppress(OSError):
            self._pipe.send("end")
        if kind is None:
            return  # the child stops its cluster while results are printed; Python waits for it at exit
        self._end()
        if not issubclass(kind, ClusterLostError):  # its message names the logs
            remove_session_folder(self._folder)

    def messages(self) -> Iterator[tuple[str, Any]]:
        """Yield the child's messages as (kind, content). The result is the last.

        A cluster of this run that does not start is tried once more. Raises ConfigError, OSError or RuntimeError if the child reports one,
        ClusterLostError if the cluster or its head is gone or never started, and WorkerDiedError if a signal killed the child.
        """
        try:
            yield from self._messages()
        except RayStartError:
            self._end()
            remove_session_folder(self._folder)
            self._start()
            try:
                yield from self._messages()
            except RayStartError as error:
                raise ClusterLostError(
                    f"{error}, twice ({self._logs()}); run it again when the machine is less busy, or use --local"
                ) from error

    def _start(self) -> None:
        """Start the child. Raises ConfigError if Ray could not work on this machine."""
        prepare_token(self.address)
        self._folder = make_session_folder() if self.address is None else None
        context = multiprocessing.get_context("spawn")
        self._pipe, child_pipe = context.Pipe()
        child = (self._drive, self._order, self._folder, child_pipe)
        self._process = context.Process(target=_run_child, args=child)
        self._process.start()
        child_pipe.close()

    def _end(self) -> None:
        """Wait for the end of the child, then kill it."""
        self._process.join(self.limits.end_s)
        if self._process.is_alive():
            self._process.kill()
            self._process.join()

    def _messages(self) -> Iterator[tuple[str, Any]]:
        """Yield the messages of one child. Raises RayStartError if its cluster did not start."""
        last_beat, limit_s = time.monotonic(), self.limits.start_s
        has_started = self.address is not None
        while True:
            message = self._receive()
            if message is None:
                if time.monotonic() - last_beat > limit_s:
                    self._process.kill()
                    raise self._silence_error(limit_s, has_started)
                continue
            kind, content = message
            if kind == BEAT:
                last_beat, limit_s, has_started = time.monotonic(), self.limits.head_s, True
                continue
            self._raise_reported_error(kind, content)
            yield kind, content
            if kind == RESULT:
                return

    def _silence_error(self, limit_s: float, has_started: bool) -> RaygroupError:
        """Return the error for a child that has not answered in time."""
        if has_started:
            return ClusterLostError(self._describe_head(f"has not answered for {limit_s:g} s"))
        return RayStartError(f"Ray did not start on this machine within {limit_s:g} s")

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
        if kind == NOT_JOINED:
            raise ClusterLostError(content)
        if kind == START_FAILED:
            raise RayStartError(f"Ray did not start on this machine: {content}")
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
        if self.address:
            return f"the head of the Ray cluster at {self.address} {state}"
        return f"the head of the Ray cluster of this run {state} ({self._logs()})"

    def _logs(self) -> str:
        return f"Ray's logs: {ray_logs(self._folder)}" if self._folder else ""


def _run_child(drive: Drive, order: Any, folder: Path | None, pipe: Connection) -> None:
    # Ctrl-C is for the parent. The terminal must send it neither to this process nor to its cluster.
    os.setpgid(0, 0)
    sys.stdin.close()
    end_with_parent()
    drive(order, Channel(pipe), folder)
