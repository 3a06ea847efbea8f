"""How Tune gets its trials, which are our packs: one at a time, when there is room; ten thousand of them cost no more than ten.

Tune never tries a trial again by itself: what broke goes back to the queue, which knows what it has brought.
"""

from collections.abc import Callable
from typing import Any

from ray import tune
from ray.tune.search import Searcher

from raygroup.runtime.pack_queue import PackQueue
from raygroup.runtime.planning.packs import PackedJobs

FAILED = "failed"
"""The result under which a pack says why trials failed."""


class Feed(Searcher):
    """Suggests packs from the queue; ``room`` is how many may run or wait at a time."""

    def __init__(self, queue: PackQueue, room: Callable[[], int]) -> None:
        super().__init__()
        self.queue, self.room = queue, room
        self.packs: dict[str, PackedJobs] = {}

    def suggest(self, trial_id: str) -> Any:
        if self.queue.over:
            return Searcher.FINISHED
        pack = self.queue.next() if len(self.packs) < self.room() else None
        if pack is None:
            return None
        self.packs[trial_id] = pack
        return {"pack": pack.id, "folders": [job.folder for job in pack.jobs]}

    def on_trial_complete(self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False) -> None:
        """Nothing: the account hears of it with the reason."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing: the storage path holds all there is to know."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing, likewise."""

    def __getstate__(self) -> dict[str, Any]:
        """Nothing: Tune pickles what it was given, to restore an experiment from; ours never is."""
        return {}


class Account(tune.Callback):
    """Tells the queue how trials of Tune ended."""

    def __init__(self, feed: Feed) -> None:
        self.feed = feed

    def __getstate__(self) -> dict[str, Any]:
        """Nothing, likewise."""
        return {}

    def on_trial_complete(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        pack = self.feed.packs.pop(trial.trial_id)
        self.feed.queue.ended(pack, (trial.last_result or {}).get(FAILED, {}))

    def on_trial_error(self, iteration: int, trials: list[Any], trial: Any, **info: Any) -> None:
        pack = self.feed.packs.pop(trial.trial_id, None)
        if pack:
            self.feed.queue.broke(pack, _reason(trial))


def _reason(trial: Any) -> str:
    """One line of what Ray says; the whole of it is many."""
    lines = [line.strip() for line in str(trial.get_error() or "its process was killed").splitlines() if line.strip()]
    return lines[-1] if lines else "its process was killed"
