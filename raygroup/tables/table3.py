"""Table 3, read from histories: assignment changes against the base coefficient."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raygroup.files.places import Place
from raygroup.history.assignments import Assignment, assignment
from raygroup.paper import TABLE_3, TABLE_3_STEPS
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState, read_sweeps
from raygroup.tables.spread import Spread
from raygroup.tables.sweep_choice import choose_sweep, control_trials, epsilon_misfit, grouped_trials, yardsticks
from raygroup.tables.trial_evidence import TrialEvidence, trial_evidence


@dataclass(frozen=True)
class Table3Row:
    """One base coefficient, or the control."""

    name: str
    epsilon: float | None
    """None for the control."""
    paper: int | None
    """Changes in the paper's table, or None if it has no such row."""
    raw: Spread
    tasks: Spread
    settled: dict[int, Spread]
    """K -> changes that settled for K steps."""
    decisiveness: Spread
    settling_step: Spread
    trials: tuple[TrialEvidence, ...]


@dataclass(frozen=True)
class Table3:
    """The table, its control and its yardsticks."""

    sweep: StoredSweep
    rows: tuple[Table3Row, ...]
    control: Table3Row | None
    control_sweep: str
    """Name of the control's sweep, or the reason why there is no control."""
    control_differs: tuple[int, ...]
    """Seeds at which the control's assignments depend on epsilon.

    They never should: then the control is broken.
    """
    yardsticks: dict[str, tuple[TrialEvidence, ...]]
    """Trials of the sweeps with one head for all tasks and with one head for each, by name."""

    @property
    def trials(self) -> tuple[TrialEvidence, ...]:
        """All trials of the table, without the control."""
        return tuple(trial for row in self.rows for trial in row.trials)


def table3(storage: Place, name: str | None = None) -> Table3:
    """Return the table of a sweep.

    By default it is the newest finished sweep that fits. Raises ConfigError if there is no such
    sweep. The message says what is missing.
    """
    sweeps = read_sweeps(storage)
    sweep = choose_sweep(sweeps, storage, name, "Table 3", epsilon_misfit, "")
    trials = [trial_evidence(trial, TABLE_3_STEPS) for trial in grouped_trials(sweep, control=False)]
    epsilons = sorted({trial.epsilon for trial in trials})
    controls, control_sweep = control_trials(sweeps, sweep)
    # The control does not depend on epsilon, so one trial of each seed is enough.
    by_seed = {trial.config().seed: trial for trial in reversed(controls)}
    control = [trial_evidence(by_seed[seed], TABLE_3_STEPS) for seed in sorted(by_seed)]
    return Table3(
        sweep=sweep,
        rows=tuple(table_row(f"{epsilon:g}", [t for t in trials if t.epsilon == epsilon], epsilon) for epsilon in epsilons),
        control=table_row("control", control, None) if control else None,
        control_sweep=control_sweep,
        control_differs=_differing_seeds(controls),
        yardsticks={
            f"{kind} ({yardstick.name})": tuple(trial_evidence(trial, TABLE_3_STEPS) for trial in yardstick.in_state(TrialState.DONE))
            for kind, yardstick in yardsticks(sweeps, sweep.data).items()
        },
    )


def table_row(name: str, trials: Sequence[TrialEvidence], epsilon: float | None) -> Table3Row:
    """Return the row of trials that differ only in their seed."""
    holds = [hold for hold in trials[0].settled if all(hold in trial.settled for trial in trials)]
    return Table3Row(
        name=name,
        epsilon=epsilon,
        paper=TABLE_3.get(round(epsilon, 6)) if epsilon is not None else None,
        raw=Spread.of(trial.raw for trial in trials),
        tasks=Spread.of(trial.tasks for trial in trials),
        settled={hold: Spread.of(trial.settled[hold] for trial in trials) for hold in holds},
        decisiveness=Spread.of(trial.decisiveness for trial in trials),
        settling_step=Spread.of(trial.settling_step for trial in trials),
        trials=tuple(trials),
    )


def table3_json(table: Table3) -> dict[str, Any]:
    """Return every number of the table as JSON values."""
    yardstick_trials = {name: [trial.to_json() for trial in trials] for name, trials in table.yardsticks.items()}
    return {
        "table": 3, "sweep": table.sweep.name, "data": table.sweep.data, "paper": {f"{key:g}": value for key, value in TABLE_3.items()},
        "rows": [_row_json(row) for row in table.rows],
        "control": _row_json(table.control) if table.control else None, "control_sweep": table.control_sweep,
        "control_differs_at_seeds": list(table.control_differs), "yardsticks": yardstick_trials,
    }  # fmt: skip


def _row_json(row: Table3Row) -> dict[str, Any]:
    return {
        "name": row.name, "base_coefficient": row.epsilon, "paper": row.paper, "raw": row.raw.to_json(),
        "tasks": row.tasks.to_json(), "settled": {str(hold): spread.to_json() for hold, spread in row.settled.items()},
        "mean_max_p_tm": row.decisiveness.to_json(), "settling_step": row.settling_step.to_json(),
        "trials": [trial.to_json() for trial in row.trials],
    }  # fmt: skip


def _differing_seeds(controls: Sequence[StoredTrial]) -> tuple[int, ...]:
    """Return the seeds at which control trials differ.

    Control trials of one seed should have equal assignments for every epsilon.
    """
    by_seed: dict[int, list[Assignment]] = {}
    for trial in controls:
        by_seed.setdefault(trial.config().seed, []).append(assignment(trial.history().r_tm))
    return tuple(seed for seed, paths in sorted(by_seed.items()) if not all(np.array_equal(paths[0], other) for other in paths))
