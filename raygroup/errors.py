"""Every error that raygroup raises, each with its exit code.

``terminal.run_command`` turns an error into one line and an exit code. A message names the file, line, field or flag, the value, and
what would be right.
"""

from collections.abc import Iterable

DONE = 0
BAD_INPUT = 2
FAILED = 3
OVER_BUDGET = 4
CLUSTER_LOST = 5
INTERRUPTED = 130
MAX_MESSAGE = 300
"""Most characters of a message, without the command that continues."""


def one_line(text: str, most: int = MAX_MESSAGE) -> str:
    """Return a text as one line. Signs that cannot be seen are escaped, and if it is too long, its middle is left out."""
    line = "".join(sign if sign.isprintable() else f"\\u{ord(sign):04x}" for sign in " ".join(text.split()))
    return line if len(line) <= most else f"{line[: most - most // 3 - 5]} ... {line[-(most // 3) :]}"


def first_names(names: Iterable[str], most: int) -> str:
    """Return names for a sentence: at most so many, and the number of the others, such as ``a, b and 3 more``."""
    listed = [*names]
    return ", ".join(listed[:most]) + (f" and {len(listed) - most} more" if len(listed) > most else "")


class RaygroupError(Exception):
    """The base class of every error here. A command prints its message and exits with ``exit_code``."""

    exit_code = FAILED


class ConfigError(RaygroupError, ValueError):
    """A setting, a search space or an input cannot be used."""

    exit_code = BAD_INPUT


class DamagedFileError(ConfigError):
    """A stored file is damaged. The message names it and the way out."""


class HistoryError(DamagedFileError):
    """A history cannot be read. The message names its file."""


class OtherTrialError(ConfigError):
    """A folder holds another trial than its name says. The message names both."""


class SubmissionError(ConfigError):
    """The official script would refuse this submission, or crash on it."""


class OverBudgetError(RaygroupError):
    """A sweep is forecast to cost more than ``--budget``. Nothing was started."""

    exit_code = OVER_BUDGET


class ClusterLostError(RaygroupError, RuntimeError):
    """The Ray cluster is gone, or its head no longer answers. Everything recorded so far is kept."""

    exit_code = CLUSTER_LOST


class RayStartError(RaygroupError, RuntimeError):
    """Ray did not start on this machine. The message gives Ray's reason."""

    exit_code = CLUSTER_LOST


class WorkerDiedError(RaygroupError, RuntimeError):
    """A worker process ended in the middle of its work. The message says how."""


class DeviceMemoryError(RaygroupError, RuntimeError):
    """A device has too little memory for a pack. Its queue tries the pack again in halves."""

    marker = "too little device memory"
    """The start of every message. It survives where Ray passes on the text of an error alone."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason if reason.startswith(self.marker) else f"{self.marker}: {reason}")


class LeaseLostError(RaygroupError, RuntimeError):
    """Another attempt has taken over the trial. This attempt must end and write nothing more."""


class NotFiniteError(RaygroupError, RuntimeError):
    """A loss became infinite or NaN. The message names the loss and the step."""


class NodeDrainedError(RaygroupError, RuntimeError):
    """The node is about to go. The trained steps are in a checkpoint, and another node resumes from it."""

    exit_code = INTERRUPTED


class StopRequestedError(RaygroupError, RuntimeError):
    """A user asked the sweep to stop. The trained steps are in a checkpoint."""

    exit_code = INTERRUPTED


class UnreadableFileError(RaygroupError, ValueError):
    """A file of a data set cannot be read. The message gives the reason."""

    exit_code = BAD_INPUT


class ImageError(RaygroupError, ValueError):
    """Bytes are not an image that raygroup can read. The message gives the reason."""

    exit_code = BAD_INPUT


class LabelError(RaygroupError, ValueError):
    """A label has the wrong form. The message says what was expected and what was there."""

    exit_code = BAD_INPUT


class MatFileError(RaygroupError, ValueError):
    """Bytes are not a MATLAB file that raygroup can read. The message gives the reason."""

    exit_code = BAD_INPUT
