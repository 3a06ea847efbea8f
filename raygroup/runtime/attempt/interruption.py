"""Interrupt an attempt at a checkpoint.

The reason is a user's request, or a node that is about to go.
"""

import time
from collections.abc import Callable

from raygroup.errors import NodeDrainedError, StopRequestedError
from raygroup.files.places import Place
from raygroup.storage.layout import STOP_FILE

DrainReason = Callable[[], str | None]
"""Returns why this node is about to go, or None if it stays."""
_CHECK_EVERY_S = 5.0


class Interruption:
    """Checks between training steps if the attempt must end.

    It reads the storage path only every few seconds.
    """

    def __init__(self, sweep_folder: Place, drain_reason: DrainReason = lambda: None) -> None:
        self.stop_file = sweep_folder / STOP_FILE
        self.drain_reason = drain_reason
        self._last_check = time.monotonic()

    def reason(self) -> Exception | None:
        """Return the error to raise after the next checkpoint, or None to continue."""
        if time.monotonic() - self._last_check < _CHECK_EVERY_S:
            return None
        self._last_check = time.monotonic()
        if drained := self.drain_reason():
            return NodeDrainedError(drained)
        try:
            return StopRequestedError("stopped on request") if self.stop_file.is_file() else None
        except OSError:
            return None  # the next checkpoint reports storage that fails
