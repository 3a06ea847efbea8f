"""Reasons to end an attempt early, at a checkpoint of its own: somebody asked for it, or the node is about to go."""

import time
from collections.abc import Callable

from raygroup.errors import NodeDrainedError, StopRequestedError
from raygroup.files.places import Place
from raygroup.storage.locks import STOP

Notice = Callable[[], str | None]
"""Why this machine is about to go; None as long as it stays."""
_LOOK_S = 5.0


class Ending:
    """Asked between steps; looks now and then."""

    def __init__(self, sweep_folder: Place, notice: Notice = lambda: None) -> None:
        self.stop, self.notice = sweep_folder / STOP, notice
        self._looked = time.monotonic()

    def reason(self) -> Exception | None:
        """The error that ends the attempt once its checkpoint is written."""
        if time.monotonic() - self._looked < _LOOK_S:
            return None
        self._looked = time.monotonic()
        if going := self.notice():
            return NodeDrainedError(going)
        try:
            return StopRequestedError("stopped on request") if self.stop.is_file() else None
        except OSError:
            return None
