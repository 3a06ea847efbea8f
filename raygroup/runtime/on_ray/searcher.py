"""Hand the packs of the queue to Tune as its trials.

Tune gets one at a time, when there is room, so ten thousand packs cost no more than ten. Tune
itself never retries a trial. A pack whose process broke goes back to the queue, which knows how far
its trials got.
"""

import contextlib
import textwrap
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from raygroup.errors import DeviceMemoryError
from raygroup.runtime.on_ray.settings import FAILED_KEY
from raygroup.runtime.pack_queue import PackQueue
from raygroup.runtime.planning.packs import JobPack

_MAX_REASON = 300
"""Longest reason, in characters."""


class PackSearcher(Searcher):
    """Suggest packs from the queue to Tune. ``room`` returns how many may run or wait at a time."""

    def __init__(self, queue: PackQueue, room: Callable[[], int]) -> None:
        super().__init__()
        self.queue = queue
        self.room = room
        self.packs: dict[str, JobPack] = {}
        """The packs that Tune has now, by Tune's trial id."""

    def suggest(self, trial_id: str) -> Any:
        if self.queue.over:
            return Searcher.FINISHED
        pack = self.queue.next() if len(self.packs) < self.room() else None
        if pack is None:
            return None  # Tune asks again later; FINISHED would end the run
        self.packs[trial_id] = pack
        return {"pack": pack.id, "folders": [job.folder for job in pack.jobs]}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Do nothing: PackCallback gets the same event with the reason."""

    def save(self, checkpoint_path: str) -> None:
        """Do nothing: the state of a run is on the storage path."""

    def restore(self, checkpoint_path: str) -> None:
        """Do nothing: the state of a run is on the storage path."""

    def __getstate__(self) -> dict[str, Any]:
        """Return no state. Tune pickles a searcher to restore an experiment, which raygroup never does."""
        return {}


class PackCallback(tune.Callback):
    """Report to the queue how Tune's trials ended."""

    def __init__(self, searcher: PackSearcher) -> None:
        self.searcher = searcher

    def __getstate__(self) -> dict[str, Any]:
        """Return no state, as in PackSearcher."""
        return {}

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        pack = self.searcher.packs.pop(trial.trial_id)
        self.searcher.queue.end(pack, (trial.last_result or {}).get(FAILED_KEY, {}))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        pack = self.searcher.packs.pop(trial.trial_id, None)  # Tune may report an error twice
        if pack:
            self.searcher.queue.retry(pack, failure_reason(_error_text(trial)))


def failure_reason(error_text: str) -> str:
    """Return one line on why a pack's process ended, from Ray's text.

    If an error was raised, the text ends with its traceback and message. If the process died, the text
    has no traceback.
    """
    lines = [line.strip() for line in error_text.splitlines() if line.strip()]
    # With several workers, the line of the failed one is followed by others.
    memory_lines = [line for line in lines if DeviceMemoryError.marker in line]
    if memory_lines:
        return memory_lines[-1]
    if any(line.startswith('File "') for line in lines):
        return textwrap.shorten(lines[-1], _MAX_REASON, placeholder=" ...")
    return "its process was killed"


def _error_text(trial: Any) -> str:
    # ``trial.get_error()`` reads a copy on Tune's storage, which is not there yet when the callback runs.
    with contextlib.suppress(OSError, TypeError):
        return Path(trial.error_file).read_text(encoding="utf-8", errors="replace")
    return ""
