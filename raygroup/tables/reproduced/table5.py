"""Table 5, read from records.

It compares one head for all tasks, groups, and one head for each task, by words read and end to end.
"""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from raygroup.files.places import Place
from raygroup.paper import TABLE_5, EndToEnd
from raygroup.storage.sweeps import StoredSweep, read_sweeps
from raygroup.tables.arrangements.arranged_trial import ArrangedTrial, arranged_trial
from raygroup.tables.arrangements.arrangement import GROUPED, ONE_HEAD, ONE_PER_TASK, Arrangement
from raygroup.tables.arrangements.rows import ArrangementRow, BaselineGain, arranged_rows, baseline_gains, row_json
from raygroup.tables.arrangements.stages import StageGain, continued_trials, later_sweep, stage_gains, upstream_of
from raygroup.tables.arrangements.sweep_fit import arranged_sweep_misfit, compared_trials
from raygroup.tables.reproduced.runs import MissingTrial, missing_trials
from raygroup.tables.sweep_choice import choose_sweep
from raygroup.tasks import PAPER_TASKS, by_paper_order


@dataclass(frozen=True)
class Stage3:
    """The sweep of stage 3, as far as it is."""

    sweep: StoredSweep
    trials: tuple[ArrangedTrial, ...]
    missing: tuple[MissingTrial, ...]
    gains: tuple[StageGain, ...]
    """Stage 3 minus stage 2, for each arrangement."""


@dataclass(frozen=True)
class Table5:
    """The table of a sweep, and of its stage 3."""

    sweep: StoredSweep
    rows: tuple[ArrangementRow, ...]
    """By arrangement, then by stage."""
    missing: tuple[MissingTrial, ...]
    """Trials that the sweep declares and that are not done."""
    stage3: Stage3 | None
    why_no_stage3: str
    """The reason why there is no stage 3. Empty if there is one."""
    baseline_gains: tuple[BaselineGain, ...]

    @property
    def trials(self) -> tuple[ArrangedTrial, ...]:
        """All trials, row by row."""
        return tuple(trial for row in self.rows for trial in row.trials)

    @property
    def tasks(self) -> tuple[str, ...]:
        """The tasks of all trials."""
        return by_paper_order({task for task, _ in self.trials[0].groups.head_of})

    @property
    def has_papers_tasks(self) -> bool:
        """True if the trials have the tasks of the paper."""
        return set(self.tasks) == set(PAPER_TASKS)

    @property
    def arrangements(self) -> tuple[Arrangement, ...]:
        """The arrangements with a finished trial, in the order of rows."""
        return tuple(dict.fromkeys(row.arrangement for row in self.rows))

    @property
    def not_run(self) -> tuple[Arrangement, ...]:
        """The paper's arrangements without a finished trial."""
        count = len(self.tasks)
        wanted = [
            Arrangement(ONE_HEAD, 1),
            *(Arrangement(GROUPED, heads) for heads in range(2, count + 1)),
            Arrangement(ONE_PER_TASK, count),
        ]
        return tuple(one for one in wanted if one not in self.arrangements)

    @property
    def other_authors(self) -> tuple[EndToEnd, ...]:
        """The paper's rows without a number of heads."""
        return tuple(row for row in TABLE_5 if row.heads is None) if self.has_papers_tasks else ()


def arranged_sweep(sweeps: Sequence[StoredSweep], storage: Place, name: str | None) -> StoredSweep:
    """Return the sweep of stage 2 that the table reads. ``name`` may be that of a stage 3 that goes on from it.

    Raises ConfigError like ``table5``.
    """
    earlier = next((upstream_of(sweep) for sweep in sweeps if sweep.name == name), None)
    if any(sweep.name == earlier and sweep.learns_groupings for sweep in sweeps):
        name = earlier
    misfit = functools.partial(arranged_sweep_misfit, partial=name is not None)
    return choose_sweep(sweeps, storage, name, "Table 5", misfit, "table5_laptop")


def table5(storage: Place, name: str | None = None) -> Table5:
    """Return the table of a sweep over arrangements of heads.

    It has stage 3 if another sweep goes on from it. By default it is the newest finished sweep that fits. A sweep that is named may be half
    done: ``missing`` lists the rest. Raises ConfigError if no sweep fits. The message says why.
    """
    sweeps = read_sweeps(storage)
    sweep = arranged_sweep(sweeps, storage, name)
    trials = [arranged_trial(trial) for trial in compared_trials(sweep)]
    later, why_none = later_sweep(sweeps, sweep)
    continued = continued_trials(later, trials) if later else []
    stage3 = Stage3(later, tuple(continued), missing_trials(later), stage_gains(trials, continued)) if later else None
    rows = arranged_rows(trials, continued)
    return Table5(sweep, rows, missing_trials(sweep), stage3, why_none, baseline_gains(rows))


def table5_json(table: Table5) -> dict[str, Any]:
    """Return every number of the table as JSON values. Our scores are from 0 to 1, those of the paper in percent."""
    conditions = table.rows[0].conditions
    return {
        "table": 5, "sweep": table.sweep.name, "data": table.sweep.data, "tasks": list(table.tasks),
        "not_run": [str(trial) for trial in table.missing], "arrangements_not_run": list(map(str, table.not_run)),
        "end_to_end": conditions and {"scenes": conditions[0], "detector": conditions[1]}, "rows": list(map(row_json, table.rows)),
        "stage3": table.stage3 and _stage3_json(table.stage3), "why_no_stage3": table.why_no_stage3,
        "baseline_gains": [{"baseline": str(one.baseline), "stage": one.stage, **one.gain.to_json()} for one in table.baseline_gains],
        "paper": [vars(row) for row in TABLE_5],
        "trials": [{"stage": row.stage, **trial.to_json()} for row in table.rows for trial in row.trials],
    }  # fmt: skip


def _stage3_json(stage3: Stage3) -> dict[str, Any]:
    return {
        "sweep": stage3.sweep.name,
        "not_run": [str(trial) for trial in stage3.missing],
        "gains": [gain.to_json() for gain in stage3.gains],
    }
