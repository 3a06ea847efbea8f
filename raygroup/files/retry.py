"""Retry work on storage that fails for a while.

Examples are a full disk, a network file system that is away, and an object store under load.
"""

import errno
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from raygroup.errors import ConfigError, DamagedFileError

Result = TypeVar("Result")
_PERMANENT = (PermissionError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
_PERMANENT_NUMBERS = (errno.EROFS, errno.ENAMETOOLONG, errno.ELOOP)
"""Errors that do not go away by waiting."""
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0
_WARN_EVERY_S = 60.0


@dataclass(frozen=True)
class Retry:
    """Repeats failing work on a storage path for a limited time."""

    limit_s: float = 0.0
    on_wait: Callable[[OSError], None] = lambda error: None
    """Called with the error before each wait."""

    def __call__(self, work: Callable[[], Result]) -> Result:
        """Return the result of ``work``.

        Raises its last error once the time is over, and a permanent error or one of a damaged file at once.
        """
        deadline, wait_s = time.monotonic() + self.limit_s, _FIRST_WAIT_S
        while True:
            try:
                return work()
            except (OSError, ConfigError) as error:
                cause = error if isinstance(error, OSError) else error.__cause__
                if isinstance(error, DamagedFileError) or not isinstance(cause, OSError) or is_permanent(cause):
                    raise
                if time.monotonic() + wait_s > deadline:
                    raise
                self.on_wait(cause)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


class PeriodicWarning:
    """Reports the error of each wait, but at most once a minute."""

    def __init__(self, storage: object, report: Callable[[str], None]) -> None:
        self.storage, self.report = storage, report
        self._last_report = -_WARN_EVERY_S

    def __call__(self, error: OSError) -> None:
        if time.monotonic() - self._last_report >= _WARN_EVERY_S:
            self._last_report = time.monotonic()
            self.report(f"{self.storage} fails ({error}); trying again until it comes back")


def is_permanent(error: OSError) -> bool:
    """Return True if an error does not go away by waiting."""
    return isinstance(error, _PERMANENT) or error.errno in _PERMANENT_NUMBERS


def is_storage_failure(error: BaseException) -> bool:
    """Return True if storage failed while a file was read. Arrow reports damage to a file as an OSError too, but without a number."""
    return isinstance(error, OSError) and error.errno is not None and not is_permanent(error)


NO_RETRY = Retry()
"""Fails at the first error."""
