"""Record on disk that a trial has failed for good, and why."""

import contextlib
import traceback

from raygroup.errors import ConfigError, DamagedFileError, LeaseLostError, NotFiniteError
from raygroup.files.atomic import write_bytes, write_json
from raygroup.files.places import Place
from raygroup.history.reader import read_history_table
from raygroup.storage.layout import ERROR_FILE, FAILED_FILE, now
from raygroup.storage.records import read_record_if_exists

TRIAL_ERRORS = (NotFiniteError, OSError, ConfigError, LeaseLostError)
"""Errors that concern one trial. Their messages say enough, so no traceback is stored."""


def note_failure(failed: dict[str, str], folder: Place, error: Exception) -> None:
    """Mark a trial as failed by this error, and add the reason to ``failed``: id -> reason.

    A trial whose lease was lost belongs to another process, so it is not marked.
    """
    if not isinstance(error, LeaseLostError):
        failed[folder.name] = _record_failure(folder, error)


def _record_failure(folder: Place, error: Exception) -> str:
    """Mark a trial as failed by this error, and return the reason.

    For an unexpected error it also stores the traceback. If the disk is full, nothing is stored,
    and the driver learns the reason from the return value alone.
    """
    reason = str(error)
    if not isinstance(error, TRIAL_ERRORS):
        trace = folder / ERROR_FILE
        with contextlib.suppress(OSError):
            write_bytes(trace, "".join(traceback.format_exception(error)).encode(), durable=False)
        reason = f"{type(error).__name__}: {error} (its traceback: {trace})"
    mark_failed(folder, reason)
    return reason


def read_failure(folder: Place) -> str | None:
    """Return the reason why a trial has failed for good, or None. A damaged FAILED.json is a reason too."""
    try:
        failure = read_record_if_exists(folder / FAILED_FILE)
    except DamagedFileError as error:
        return str(error)
    return str(failure["reason"]) if failure else None


def mark_failed(folder: Place, reason: str) -> None:
    """Mark a trial as failed, with the reason and the last recorded step.

    It is not tried again until the sweep is run again.
    """
    with contextlib.suppress(OSError):
        try:
            last_step = read_history_table(folder)[0]["step"][-1].as_py()
        except ConfigError:
            last_step = 0
        write_json(folder / FAILED_FILE, {"reason": reason, "step": last_step, "at": now()})
