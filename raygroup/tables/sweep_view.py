"""A sweep the way its scheduler saw it: which trials ran when, for how long, how fast, and what failed."""

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from rich.table import Table

from raygroup.errors import HistoryError
from raygroup.history.reader import History, read_history
from raygroup.storage.sweeps import DONE, FAILED, StoredSweep, StoredTrial
from raygroup.terminal import seconds_text, table

PAUSE_S = 10.0
"""A time between two records longer than this, and than five usual ones, is a pause: the trial was interrupted, or waited."""


@dataclass(frozen=True)
class TrialView:
    """One trial; ``history`` is None where it has recorded nothing yet."""

    label: str
    state: str
    outcome: dict[str, Any]
    history: History | None

    @property
    def spans(self) -> list[tuple[float, float]]:
        """Unix times between which it took steps, parted by pauses."""
        if self.history is None:
            return []
        clock = self.history.clock_s
        gaps = np.abs(np.diff(clock))
        usual = float(np.median(gaps[gaps > 0])) if gaps.any() else 0.0
        parts: list[NDArray[np.float64]] = np.split(clock, np.flatnonzero(gaps > max(PAUSE_S, 5 * usual)) + 1)
        return [(float(part[0]), float(part[-1])) for part in parts]

    @property
    def words_per_s(self) -> float:
        """Median over steps; nan where there are none."""
        return float(np.median(self.history.words_per_s)) if self.history is not None else float("nan")


def sweep_view(sweep: StoredSweep) -> list[TrialView]:
    """The declared trials, in order."""
    return [TrialView(trial.label, trial.state, trial.outcome(), _history(trial)) for trial in sweep.trials if trial.declared]


def _history(trial: StoredTrial) -> History | None:
    try:
        return read_history(trial.folder)
    except HistoryError:
        if trial.state == DONE:
            raise
        return None


def sweep_rows(trials: list[TrialView]) -> Table:
    """A table to print: a row a trial."""
    numbers = ("steps", "attempts", "wall", "CPU", "words/s")
    rows = table("trial", "state", *numbers, "failure", right=numbers)
    for trial in trials:
        steps = str(trial.history.step[-1]) if trial.history is not None else "-"
        times = [seconds_text(trial.outcome[key]) if key in trial.outcome else "-" for key in ("wall_s", "cpu_s")]
        speed = f"{trial.words_per_s:.0f}" if trial.history is not None else "-"
        failure = f"step {trial.outcome.get('step')}: {trial.outcome.get('reason')}" if trial.state == FAILED else ""
        rows.add_row(trial.label, trial.state, steps, str(trial.outcome.get("attempts", "-")), *times, speed, failure)
    return rows
