"""Follow the trials of a run: their states, and how far each one is."""

import threading
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from rich.console import Console

from raygroup.errors import ConfigError
from raygroup.runtime.planning.jobs import Job
from raygroup.storage.layout import FAILED_FILE, PROGRESS_FILE
from raygroup.storage.records import intact_record
from raygroup.terminal import print_words, seconds_text

RUNNING, STARTING, DONE, FAILED, WAITING = "running", "starting", "done", "failed", "waiting"
_MOST_READ = 50
"""Most trials whose progress is read for the time left."""
_MEASURED_S = 5.0
"""Shortest time over which the speed of a run is measured."""


@dataclass(frozen=True)
class TrialProgress:
    """One trial at one moment."""

    job: Job
    state: str
    facts: dict[str, Any] = field(default_factory=dict)
    """Its progress file. Empty if this run has not written it yet."""

    @property
    def step(self) -> int:
        """The last step that it recorded."""
        return self.job.steps if self.state == DONE else int(self.facts.get("step", 0))


class TrialMonitor:
    """The states of a run's trials. It is a RunListener, called from any thread."""

    def __init__(self, console: Console, jobs: Sequence[Job], name: str) -> None:
        self.console = console
        self.jobs = {job.id: job for job in jobs}
        self.name = name
        self.start_s = time.monotonic()
        self.changed = threading.Event()
        """Set when a trial has started or ended."""
        self._states = dict.fromkeys(self.jobs, WAITING)
        self._last_change: dict[str, int] = {}
        self._num_changes = 0
        self._progress_before: dict[str, Any] = {}
        """Time in the progress file when a trial started. A file with this time belongs to an earlier attempt."""
        self._first_progress: tuple[float, int] | None = None
        self._lock = threading.Lock()

    def on_start(self, ids: Sequence[str]) -> None:
        before = {job_id: _read_progress(self.jobs[job_id]).get("at") for job_id in ids}
        with self._lock:
            self._progress_before |= before
        self._set_states(dict.fromkeys(ids, STARTING))

    def on_end(self, ids: Sequence[str]) -> None:
        self._set_states({job_id: _final_state(self.jobs[job_id]) for job_id in ids})

    def on_message(self, text: str) -> None:
        print_words(self.console, text)

    def on_more(self, jobs: Sequence[Job]) -> None:
        new_jobs = {job.id: job for job in jobs if job.id not in self.jobs}
        with self._lock:
            self.jobs = self.jobs | new_jobs  # a new mapping, because other threads may read the old one
            self._states |= dict.fromkeys(new_jobs, WAITING)

    def trials(self, most: int) -> list[TrialProgress]:
        """Return at most this many trials.

        Those that train come first, then those that ended last, then those that wait.
        """
        with self._lock:
            states, last_change = dict(self._states), dict(self._last_change)
        training = [job_id for job_id, state in states.items() if state in (RUNNING, STARTING)]
        ended = [job_id for job_id, state in states.items() if state in (DONE, FAILED)]
        ended.sort(key=lambda job_id: -last_change[job_id])
        waiting = [job_id for job_id, state in states.items() if state == WAITING]
        return [self._progress(job_id, states[job_id]) for job_id in [*training, *ended, *waiting][:most]]

    def title(self) -> str:
        """Return a line with the sweep's name, time, numbers of trials and time left."""
        trials = self.trials(len(self.jobs) if len(self.jobs) <= _MOST_READ else 0)
        with self._lock:
            counts = Counter(self._states.values())
        if trials:
            counts = Counter(trial.state for trial in trials)
        parts = [f"{counts[DONE]} of {len(self.jobs)} trials done"]
        left_s = self._left_s(trials)
        parts += [f"{counts[FAILED]} failed"] if counts[FAILED] else []
        parts += [f"about {seconds_text(left_s)} left"] if left_s else []
        parts += [f"{counts[state]} {state}" for state in (RUNNING, STARTING, WAITING) if counts[state]]
        return f"{self.name} {seconds_text(time.monotonic() - self.start_s)}: {', '.join(parts)}"

    def _set_states(self, states: dict[str, str]) -> None:
        with self._lock:
            self._states |= states
            self._num_changes += 1
            self._last_change |= dict.fromkeys(states, self._num_changes)
        self.changed.set()

    def _progress(self, job_id: str, state: str) -> TrialProgress:
        if state == WAITING:
            return TrialProgress(self.jobs[job_id], state)
        facts = _read_progress(self.jobs[job_id])
        if facts.get("at") == self._progress_before.get(job_id):
            facts = {}
        return TrialProgress(self.jobs[job_id], RUNNING if state == STARTING and facts else state, facts)

    def _left_s(self, trials: Sequence[TrialProgress]) -> float | None:
        """Return the time left, from the steps of all trials since the first of them was recorded."""
        steps = sum(trial.step for trial in trials)
        if not any(trial.facts for trial in trials):
            return None
        start_s, first_steps = self._first_progress = self._first_progress or (time.monotonic(), steps)
        elapsed_s = time.monotonic() - start_s
        if elapsed_s < _MEASURED_S or steps <= first_steps:
            return None
        total = sum(trial.job.steps for trial in trials if trial.state != FAILED)
        done = sum(trial.step for trial in trials if trial.state != FAILED)
        return (total - done) * elapsed_s / (steps - first_steps)


def _final_state(job: Job) -> str:
    """Return the state of a trial whose process has ended. Without a result it waits for another attempt."""
    if job.done:
        return DONE
    return FAILED if (job.folder / FAILED_FILE).is_file() else WAITING


def _read_progress(job: Job) -> dict[str, Any]:
    """Return the progress file of a trial. It is empty if it is missing or damaged."""
    try:
        progress = intact_record(job.folder / PROGRESS_FILE)
    except (OSError, ConfigError):
        return {}
    return progress if "at" in progress else {}
