"""End a worker that has stopped making progress.

A collective without its other side, a hung file system and a deadlock look alike. If no step
finishes in time, the watchdog writes every thread's stack to the folders of the trials and exits
with code 75. The queue then starts another attempt.
"""

import contextlib
import faulthandler
import os
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence

from raygroup.files.atomic import write_bytes
from raygroup.files.places import Place
from raygroup.terminal import print_warning

STALLED = 75
"""Exit code of a worker without progress."""
_STDERR = 2
"""The file descriptor of standard error. In a notebook ``sys.stderr`` has none of its own."""
_WRITE_S = 30.0
"""Longest time to write the stacks. If the storage path hangs, the process ends without them."""


class Watchdog:
    """Ends the process if nothing calls ``heartbeat`` for ``timeout_s`` seconds."""

    def __init__(self, timeout_s: float, stack_files: Sequence[Place]) -> None:
        """Take the timeout and the files for the stacks, one for each trial."""
        self.timeout_s = timeout_s
        self.stack_files = tuple(stack_files)
        self._last_beat = time.monotonic()
        self._stopped = threading.Event()

    def heartbeat(self) -> None:
        """Report that training is making progress."""
        self._last_beat = time.monotonic()

    @contextlib.contextmanager
    def watching(self) -> Iterator[None]:
        """Watch this process while the block runs. A timeout of 0 turns the watchdog off."""
        if not self.timeout_s:
            yield
            return
        self.heartbeat()
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._stopped.set()
            thread.join()
            faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        interval_s = min(self.timeout_s / 4, 5.0)
        while not self._stopped.wait(interval_s):
            # A hung call that holds the GIL stops this thread too. Then the timer, which is in C, ends the process.
            faulthandler.dump_traceback_later(self.timeout_s + 2 * _WRITE_S, exit=True, file=_STDERR)
            if time.monotonic() - self._last_beat > self.timeout_s:
                self._end_process()

    def _end_process(self) -> None:
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file, all_threads=True)
            file.seek(0)
            stacks = f"no step for {self.timeout_s:g} s. Stacks of all threads:\n\n".encode() + file.read()
        writer = threading.Thread(target=_write_stacks, args=(self.stack_files, stacks), daemon=True)
        writer.start()
        writer.join(_WRITE_S)
        message = f"no step for {self.timeout_s:g} s (--stall-timeout): this attempt ends; stacks in {self.stack_files[0]}"
        print_warning(message)
        os._exit(STALLED)


def _write_stacks(files: Sequence[Place], stacks: bytes) -> None:
    for path in files:
        with contextlib.suppress(OSError):
            write_bytes(path, stacks, durable=False)
