"""Storage that fails for a while: a full disk that is enlarged, a network file system that comes back, an object store under load."""

import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from raygroup.errors import ConfigError

Result = TypeVar("Result")
_LASTING = (PermissionError, FileNotFoundError, FileExistsError, IsADirectoryError, NotADirectoryError)
"""Errors that waiting does not mend."""
_LONGEST_WAIT_S = 10.0


@dataclass(frozen=True)
class Patience:
    """Repeats work on a storage path that fails, for ``seconds`` at most; ``waiting`` is told why, each time."""

    seconds: float = 0.0
    waiting: Callable[[OSError], None] = lambda error: None

    def __call__(self, work: Callable[[], Result]) -> Result:
        """What the work returns; raises its last error once patience is over, and at once where waiting cannot help."""
        deadline, wait_s = time.monotonic() + self.seconds, 0.2
        while True:
            try:
                return work()
            except (OSError, ConfigError) as error:
                cause = error if isinstance(error, OSError) else error.__cause__
                if not isinstance(cause, OSError) or isinstance(cause, _LASTING) or time.monotonic() + wait_s > deadline:
                    raise
                self.waiting(cause)
            time.sleep(wait_s)
            wait_s = min(2 * wait_s, _LONGEST_WAIT_S)


IMPATIENT = Patience()
"""Fails at the first error."""
