"""Hand the packs of the queue to Tune as its trials.

Tune gets one at a time, when there is room, so ten thousand packs cost no more than ten. Tune
itself never retries a trial. A pack whose process broke goes back to the queue, which knows how far
its trials got.
"""

from collections.abc import Callable
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from raygroup.runtime.pack_queue import PackQueue
from raygroup.runtime.planning.packs import JobPack

FAILED = "failed"
"""Key of a pack's result: the reason of each trial that failed, by id."""


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
            return None
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
        self.searcher.queue.end(pack, (trial.last_result or {}).get(FAILED, {}))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        pack = self.searcher.packs.pop(trial.trial_id, None)
        if pack:
            self.searcher.queue.retry(pack, _reason(trial))


def _reason(trial: Any) -> str:
    """Return the last line of Ray's error. The lines before it are a traceback."""
    lines = [line.strip() for line in str(trial.get_error() or "its process was killed").splitlines() if line.strip()]
    return lines[-1] if lines else "its process was killed"
