"""Retry work on storage that fails for a while.

Examples are a full disk, a network file system that is away, and an object store under load.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from raygroup.errors import ConfigError

Result = TypeVar("Result")
_PERMANENT = (PermissionError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
"""Errors that do not go away by waiting."""
_FIRST_WAIT_S = 0.2
_LONGEST_WAIT_S = 10.0


@dataclass(frozen=True)
class Retry:
    """Repeats failing work on a storage path for a limited time."""

    limit_s: float = 0.0
    on_wait: Callable[[OSError], None] = lambda error: None
    """Called with the error before each wait."""

    def __call__(self, work: Callable[[], Result]) -> Result:
        """Return the result of ``work``.

        Raises its last error once the time is over, and a permanent error at once.
        """
        deadline, wait_s = time.monotonic() + self.limit_s, _FIRST_WAIT_S
        while True:
            try:
                return work()
            except (OSError, ConfigError) as error:
                cause = error if isinstance(error, OSError) else error.__cause__
                if not isinstance(cause, OSError) or isinstance(cause, _PERMANENT) or time.monotonic() + wait_s > deadline:
                    raise
                self.on_wait(cause)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


NO_RETRY = Retry()
"""Fails at the first error."""
