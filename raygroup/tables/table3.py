"""Table 3 from histories: assignment changes against the base coefficient, with their spread, beside the paper's and the control's."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from raygroup.files.places import Place
from raygroup.history.assignments import Assignment, assignment
from raygroup.history.reader import read_history
from raygroup.paper import TABLE_3, TABLE_3_STEPS
from raygroup.storage.sweeps import DONE, StoredSweep, StoredTrial, read_sweeps
from raygroup.tables.sweep_choice import controls, fitting_sweep, grouped_trials, yardsticks
from raygroup.tables.trial_evidence import TrialEvidence, trial_evidence


@dataclass(frozen=True)
class Spread:
    """Mean and sample standard deviation over seeds; the latter nan for one seed."""

    mean: float
    sd: float
    count: int

    @staticmethod
    def of(values: Iterable[float]) -> "Spread":
        known = list(values)
        return Spread(statistics.fmean(known), statistics.stdev(known) if len(known) > 1 else float("nan"), len(known))


@dataclass(frozen=True)
class Row:
    """One base coefficient, or the control."""

    name: str
    epsilon: float | None
    paper: int | None
    raw: Spread
    tasks: Spread
    settled: dict[int, Spread]
    decisiveness: Spread
    settling_step: Spread
    trials: tuple[TrialEvidence, ...]


@dataclass(frozen=True)
class Table3:
    """The table, and what stands beside it."""

    sweep: StoredSweep
    rows: tuple[Row, ...]
    control: Row | None
    control_sweep: str
    """Name of the control's sweep; why there is none otherwise."""
    control_differs: tuple[int, ...]
    """Seeds at which R_TM of the control depends on epsilon: empty, unless the control is broken."""
    yardsticks: dict[str, tuple[TrialEvidence, ...]]
    """Name of a sweep with one head for all, or one per task -> its trials."""

    @property
    def trials(self) -> tuple[TrialEvidence, ...]:
        return tuple(trial for row in self.rows for trial in row.trials)


def table3(storage: Place, name: str | None = None) -> Table3:
    """The table of the newest finished sweep that fits, or of the named one; raises ConfigError saying what is missing."""
    sweeps = read_sweeps(storage)
    sweep = fitting_sweep(sweeps, storage, name)
    ours = grouped_trials(sweep, control=False)
    trials = [trial_evidence(trial, TABLE_3_STEPS) for trial in ours]
    epsilons = sorted({trial.epsilon for trial in trials})
    of_control, control_sweep = controls(sweeps, sweep)
    by_seed = {trial.config().seed: trial for trial in reversed(of_control)}
    control = [trial_evidence(by_seed[seed], TABLE_3_STEPS) for seed in sorted(by_seed)]
    return Table3(
        sweep=sweep,
        rows=tuple(row(f"{epsilon:g}", [t for t in trials if t.epsilon == epsilon], epsilon) for epsilon in epsilons),
        control=row("control", control, None) if control else None,
        control_sweep=control_sweep,
        control_differs=_differing_seeds(of_control),
        yardsticks={
            f"{kind} ({beside.name})": tuple(trial_evidence(trial, TABLE_3_STEPS) for trial in beside.in_state(DONE))
            for kind, beside in yardsticks(sweeps, sweep.data).items()
        },
    )


def row(name: str, trials: Sequence[TrialEvidence], epsilon: float | None) -> Row:
    """The row of trials that differ in their seed only."""
    holds = [hold for hold in trials[0].settled if all(hold in trial.settled for trial in trials)]
    return Row(
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


def plain(table: Table3) -> dict[str, Any]:
    """Every figure as JSON values."""
    beside = {name: [trial.plain() for trial in trials] for name, trials in table.yardsticks.items()}
    return {
        "table": 3, "sweep": table.sweep.name, "data": table.sweep.data, "paper": {f"{key:g}": value for key, value in TABLE_3.items()},
        "rows": [_plain_row(row) for row in table.rows],
        "control": _plain_row(table.control) if table.control else None, "control_sweep": table.control_sweep,
        "control_differs_at_seeds": list(table.control_differs), "yardsticks": beside,
    }  # fmt: skip


def _plain_row(row: Row) -> dict[str, Any]:
    def spread(found: Spread) -> dict[str, float | None]:
        return {"mean": found.mean, "sd": found.sd if found.count > 1 else None, "seeds": found.count}

    return {
        "name": row.name, "base_coefficient": row.epsilon, "paper": row.paper, "raw": spread(row.raw), "tasks": spread(row.tasks),
        "settled": {str(hold): spread(found) for hold, found in row.settled.items()}, "mean_max_p_tm": spread(row.decisiveness),
        "settling_step": spread(row.settling_step), "trials": [trial.plain() for trial in row.trials],
    }  # fmt: skip


def _differing_seeds(controls: Sequence[StoredTrial]) -> tuple[int, ...]:
    by_seed: dict[int, list[Assignment]] = {}
    for trial in controls:
        by_seed.setdefault(trial.config().seed, []).append(assignment(read_history(trial.folder).r_tm))
    return tuple(seed for seed, found in sorted(by_seed.items()) if not all(np.array_equal(found[0], other) for other in found))
