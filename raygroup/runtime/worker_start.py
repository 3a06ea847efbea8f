"""How worker processes of this machine start.

On Linux a fork server imports what they need once, and each process is a copy of it. Elsewhere every
process imports it anew.
"""

import contextlib
import multiprocessing
import os
import sys
from collections.abc import Callable
from multiprocessing.context import ForkServerContext, SpawnContext
from multiprocessing.reduction import DupFd
from typing import Any

TRAINING = "raygroup.runtime.attempt.worker"
"""The module that trains. It imports torch, which takes seconds."""


def start_context(preload: str) -> ForkServerContext | SpawnContext:
    """Return the context in which processes start.

    With ``preload``, the name of a module, processes are copies of a fork server on Linux. The first
    of them starts the server. It runs no Python thread, serves all later pools of this process, and ends
    with it.
    """
    if not preload or sys.platform != "linux":
        return multiprocessing.get_context("spawn")
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([preload])
    return context


class Surroundings:
    """The environment and the output streams of the driver, for a new process.

    A copy of the fork server has those of the time when the server started. Unpickling takes over
    the driver's, so this object is an argument of a process and goes nowhere else.
    """

    def __reduce__(self) -> tuple[Callable[..., "Surroundings"], tuple[Any, ...]]:
        return _take_over, (dict(os.environ), [(stream, DupFd(stream)) for stream in (1, 2) if _is_open(stream)])


def _take_over(environment: dict[str, str], streams: list[tuple[int, Any]]) -> Surroundings:
    os.environ.clear()
    os.environ.update(environment)
    for stream, duplicate in streams:
        descriptor = duplicate.detach()
        os.dup2(descriptor, stream)
        os.close(descriptor)
    return Surroundings()


def _is_open(descriptor: int) -> bool:
    with contextlib.suppress(OSError):
        os.fstat(descriptor)
        return True
    return False
