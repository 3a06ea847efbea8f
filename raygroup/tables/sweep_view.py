"""A sweep as its scheduler saw it. It says when trials ran, how fast, and which failed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from raygroup.errors import HistoryError
from raygroup.history.reader import History
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState
from raygroup.terminal import seconds_text, table

PAUSE_S = 3.0
"""Shortest interruption: time between two records that their steps did not take."""
_SAME_RECORD = 0.1
"""Rows of one record reach the history together. Their gaps are shorter than this share of a step."""


@dataclass(frozen=True)
class TrialView:
    """One trial of the view."""

    label: str
    state: str
    outcome: dict[str, Any]
    history: History | None
    """None if the trial has recorded nothing yet."""

    @property
    def spans(self) -> list[tuple[float, float]]:
        """First and last Unix time of each stretch of steps. Interruptions separate the stretches."""
        if self.history is None:
            return []
        clock = self.history.clock_s
        return [(float(part[0]), float(part[-1])) for part in np.split(clock, _interrupted_rows(self.history))]

    @property
    def words_per_s(self) -> float:
        """Median over steps, or nan if there are none."""
        return float(np.median(self.history.words_per_s)) if self.history is not None else float("nan")


def sweep_view(sweep: StoredSweep) -> list[TrialView]:
    """Return the declared trials in their order.

    Raises HistoryError if a finished trial has lost its history.
    """
    return [TrialView(trial.label, trial.state, trial.outcome(), _history(trial)) for trial in sweep.trials if trial.declared]


def _interrupted_rows(history: History) -> NDArray[np.intp]:
    """Return the rows before which a trial stood still.

    A record brings several steps at once, and their speed tells how long they took. Only a longer
    gap before a record is an interruption, however slow the steps are.
    """
    batch = history.metadata.get("config", {}).get("training", {}).get("batch")
    if batch is None:
        return np.zeros(0, np.intp)
    step_s = batch / np.maximum(history.words_per_s.astype(np.float64), 1e-9)
    gaps = np.abs(np.diff(history.clock_s))
    starts = np.flatnonzero(gaps > _SAME_RECORD * step_s[1:]) + 1
    num_steps = np.diff(np.r_[starts, len(step_s)])
    rows: NDArray[np.intp] = starts[gaps[starts - 1] - num_steps * step_s[starts] > PAUSE_S]
    return rows


def _history(trial: StoredTrial) -> History | None:
    try:
        return trial.history()
    except HistoryError:
        if trial.state == TrialState.DONE:
            raise
        return None


def sweep_table(trials: list[TrialView]) -> Table:
    """Return a table to print, one row for each trial."""
    numbers = ("steps", "attempts", "wall", "CPU", "words/s")
    rows = table("trial", "state", *numbers, "failure", right=numbers)
    for trial in trials:
        steps = str(trial.history.step[-1]) if trial.history is not None else "-"
        times = [seconds_text(trial.outcome[key]) if key in trial.outcome else "-" for key in ("wall_s", "cpu_s")]
        speed = f"{trial.words_per_s:.0f}" if trial.history is not None else "-"
        failure = f"step {trial.outcome.get('step')}: {trial.outcome.get('reason')}" if trial.state == TrialState.FAILED else ""
        rows.add_row(trial.label, trial.state, steps, str(trial.outcome.get("attempts", "-")), *times, speed, failure)
    return rows
