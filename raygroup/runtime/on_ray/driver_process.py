"""A driver of Ray in a process of its own: what it does first, and how it ends when the process that watches it asks or is gone."""

import contextlib
import os
import sys
import threading
from multiprocessing.connection import Connection

_END_S = 8.0
"""Longest that taking down a cluster of this run may take."""


def begin_apart() -> None:
    """Ctrl-C is the parent's; neither this process nor those of its cluster shall get it from the terminal."""
    os.setpgid(0, 0)
    sys.stdin.close()


def end_when_asked(pipe: Connection) -> None:
    """Waits in a thread for the watching process to end, or to ask: a cluster of this run then goes with this process."""
    threading.Thread(target=_obey, args=(pipe,), daemon=True).start()


def _obey(pipe: Connection) -> None:
    with contextlib.suppress(EOFError, OSError):
        pipe.recv()
    import ray

    threading.Timer(_END_S, os._exit, (1,)).start()
    with contextlib.suppress(Exception):
        ray.shutdown()
    os._exit(0)
