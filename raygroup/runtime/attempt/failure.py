"""How a trial fails for good: its reason on disk, its traceback where the reason does not say enough."""

import contextlib
import traceback

import numpy as np

from raygroup.errors import ConfigError, LeaseLostError, NotFiniteError
from raygroup.files.atomic import write_bytes, write_json
from raygroup.files.places import Place
from raygroup.history.reader import read_history
from raygroup.storage.layout import ERROR_FILE, FAILED_FILE, now

OWN_FAULTS = (NotFiniteError, OSError, ConfigError, LeaseLostError)
"""Errors that concern one trial, and whose message says enough: no traceback is kept."""


def fail(folder: Place, error: Exception) -> str:
    """Says on disk why, and after which step; on a full disk only the return value, the reason, tells the driver."""
    reason = str(error)
    if not isinstance(error, OWN_FAULTS):
        trace = folder / ERROR_FILE
        with contextlib.suppress(OSError):
            write_bytes(trace, "".join(traceback.format_exception(error)).encode(), durable=False)
        reason = f"{type(error).__name__}: {error} (its traceback: {trace})"
    give_up(folder, reason)
    return reason


def give_up(folder: Place, reason: str) -> None:
    """Marks a trial as failed for good: it is not tried again until the sweep is run again."""
    with contextlib.suppress(OSError):
        try:
            steps = read_history(folder).step
        except ConfigError:
            steps = np.zeros(0, np.int32)
        write_json(folder / FAILED_FILE, {"reason": reason, "step": int(steps[-1]) if len(steps) else 0, "at": now()})
