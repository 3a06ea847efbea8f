"""Watches that a worker goes on: where no step ends for long, its stacks are written down and the process ends, so that another attempt
can begin. A collective whose other side is gone, a hung file system, a deadlock: all look alike from outside."""

import contextlib
import faulthandler
import os
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence

from raygroup.files.atomic import write_whole
from raygroup.files.places import Place

STALLED = 75
"""Exit code of a worker that stood still."""
_GRACE_S = 30.0
"""For writing the dump to a storage path that may hang itself; then the process ends without it."""


class Vigil:
    """``alive`` says that work goes on; without it for ``timeout_s`` the process ends."""

    def __init__(self, timeout_s: float, dumps: Sequence[Place]) -> None:
        """``dumps``: the files that get the stacks, one a trial."""
        self.timeout_s, self.dumps = timeout_s, tuple(dumps)
        self._last = time.monotonic()
        self._ended = threading.Event()

    def alive(self) -> None:
        self._last = time.monotonic()

    @contextlib.contextmanager
    def kept(self) -> Iterator[None]:
        """Watches while the block runs; with a timeout of 0 nobody does."""
        if not self.timeout_s:
            yield
            return
        self.alive()
        thread = threading.Thread(target=self._watch, daemon=True)
        thread.start()
        try:
            yield
        finally:
            self._ended.set()
            thread.join()
            faulthandler.cancel_dump_traceback_later()

    def _watch(self) -> None:
        every_s = min(self.timeout_s / 4, 5.0)
        while not self._ended.wait(every_s):
            # Should a call that holds Python's lock hang, this thread hangs too; the timer in C ends the process then.
            faulthandler.dump_traceback_later(self.timeout_s + 2 * _GRACE_S, exit=True)
            if time.monotonic() - self._last > self.timeout_s:
                self._end()

    def _end(self) -> None:
        with tempfile.TemporaryFile() as file:
            faulthandler.dump_traceback(file, all_threads=True)
            file.seek(0)
            stacks = f"no step for {self.timeout_s:.0f} s; what every thread was doing:\n\n".encode() + file.read()
        writing = threading.Thread(target=_write, args=(self.dumps, stacks), daemon=True)
        writing.start()
        writing.join(_GRACE_S)
        said = f"raygroup: no step for {self.timeout_s:.0f} s (--stall-timeout): this attempt ends; stacks in {self.dumps[0]}"
        print(said, file=sys.stderr, flush=True)
        os._exit(STALLED)


def _write(dumps: Sequence[Place], stacks: bytes) -> None:
    for path in dumps:
        with contextlib.suppress(OSError):
            write_whole(path, stacks, safe=False)
