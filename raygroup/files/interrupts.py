"""Let Ctrl-C and SIGTERM end a command: in order, only once, and also while it blocks in C++ code."""

import atexit
import contextlib
import os
import select
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from types import FrameType

from raygroup.errors import DONE, INTERRUPTED

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_GRACE_S = 3.0
"""Time for Python to react to a signal. It cannot while a library blocks in C++."""
_MAX_SIGNALS = 3
"""So many signals end the process at once, whatever it is doing."""

_exit_code = DONE
"""The exit code of the command that ran last in this process."""


class _Handler:
    """Raises KeyboardInterrupt at the first signal. Later ones must not break the orderly end."""

    def __init__(self) -> None:
        self.has_reacted = threading.Event()

    def __call__(self, number: int, frame: FrameType | None) -> None:
        if not self.has_reacted.is_set():
            self.has_reacted.set()
            raise KeyboardInterrupt("ended by SIGTERM" if number == signal.SIGTERM else "")


@contextlib.contextmanager
def interruptible(on_kill: Callable[[], object]) -> Iterator[None]:
    """Let a signal raise KeyboardInterrupt in the block.

    If Python does not react within seconds, or at the third signal, the process ends at once, after ``on_kill``. Other processes of a run
    end with it. A signal that the caller ignores stays ignored.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    handler = _Handler()
    previous = {number: signal.getsignal(number) for number in _SIGNALS if signal.getsignal(number) is not signal.SIG_IGN}
    reader, writer = os.pipe()
    os.set_blocking(writer, False)
    threading.Thread(target=_watch, args=(reader, handler, on_kill), daemon=True).start()
    previous_writer = signal.set_wakeup_fd(writer, warn_on_full_buffer=False)
    for number in previous:
        signal.signal(number, handler)
    try:
        yield
    finally:
        for number, action in previous.items():
            signal.signal(number, action)
        signal.set_wakeup_fd(previous_writer)
        os.close(writer)
        atexit.unregister(_ignore_signals)
        atexit.register(_ignore_signals)  # the last one runs first


def leave_without(thread: threading.Thread) -> None:
    """Do not wait at the end of this process for a thread that blocks in C++ code."""
    atexit.register(_leave, thread)


def set_exit_code(exit_code: int) -> int:
    """Remember the exit code of the command, for ``leave_without``. Returns it."""
    global _exit_code
    _exit_code = exit_code
    return exit_code


def _leave(thread: threading.Thread) -> None:
    if thread.is_alive():
        sys.stdout.flush()
        sys.stderr.flush()
        os._exit(_exit_code)


def _watch(reader: int, handler: _Handler, on_kill: Callable[[], object]) -> None:
    """Read the signals that arrive, until the other end is closed."""
    num_signals = 0
    while True:
        is_waiting = num_signals > 0 and not handler.has_reacted.is_set()
        ready, _, _ = select.select([reader], [], [], _GRACE_S if is_waiting else None)
        numbers = os.read(reader, 64) if ready else b""
        if ready and not numbers:
            os.close(reader)
            return
        num_signals += sum(number in _SIGNALS for number in numbers)
        has_hung = is_waiting and not ready and not handler.has_reacted.is_set()
        if has_hung or num_signals >= _MAX_SIGNALS:
            on_kill()
            sys.stderr.flush()
            os._exit(INTERRUPTED)


def _ignore_signals() -> None:
    """Ignore Ctrl-C while the interpreter ends: it would print a traceback."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
