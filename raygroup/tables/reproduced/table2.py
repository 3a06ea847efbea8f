"""Table 2, read from histories: how often the runs of a sweep ended in each group, beside the paper's table."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from raygroup.config import Trial
from raygroup.files.places import Place
from raygroup.history.occurrences import inconsistencies, occurrence_rows, task_totals
from raygroup.paper import TABLE_2, TABLE_2_RUNS, TABLE_3_STEPS, GroupRow
from raygroup.storage.sweeps import StoredSweep, read_sweeps
from raygroup.tables.reproduced.runs import MissingTrial, learned_trials, missing_trials, run_json
from raygroup.tables.spread import Spread
from raygroup.tables.stability.stability import Stability, stability
from raygroup.tables.sweep_choice import choose_sweep
from raygroup.tables.trial_evidence import TrialEvidence, trial_evidence
from raygroup.tasks import PAPER_TASKS, by_paper_order

SPACE = "table2_laptop"
"""The search space that makes the table at laptop scale."""


@dataclass(frozen=True)
class Table2Row:
    """One group, ours and the paper's."""

    tasks: frozenset[str]
    label: str
    """Such as ``A+K``."""
    ours: GroupRow | None
    """None if no run ended in this group."""
    paper: GroupRow | None
    """None if the paper's table has no such row."""
    num_unstable: int
    """Our occurrences in runs whose grouping had not settled."""


@dataclass(frozen=True)
class HeadCount:
    """The runs with one number of heads, which differ in their seed."""

    heads: int
    trials: tuple[TrialEvidence, ...]
    groups: Spread
    idle: Spread
    """Heads without a task."""
    decisiveness: Spread
    settling_step: Spread
    num_unstable: int
    stability: Stability | None
    """None with one seed."""


@dataclass(frozen=True)
class Table2:
    """The table, with the stability of its groupings over seeds."""

    sweep: StoredSweep
    tasks: tuple[str, ...]
    rows: tuple[Table2Row, ...]
    trials: tuple[TrialEvidence, ...]
    """The finished runs, by number of heads and seed."""
    missing: tuple[MissingTrial, ...]
    """Trials that the sweep declares and that are not done."""
    head_counts: tuple[HeadCount, ...]
    stability: Stability | None
    """Of all runs together, whatever their number of heads."""
    inconsistencies: tuple[str, ...]
    """Facts that make our table impossible. There are none unless raygroup has a defect."""
    paper_inconsistencies: tuple[str, ...]
    """Facts that make the paper's printed table impossible."""

    @property
    def settle(self) -> int:
        """Steps that a final grouping must have stood. Otherwise its run is unstable."""
        return max(trial.settle for trial in self.trials)

    @property
    def has_papers_tasks(self) -> bool:
        """True if the runs have the tasks of the paper, so that its table can stand beside ours."""
        return set(self.tasks) == set(PAPER_TASKS)


def table2(storage: Place, name: str | None = None, settle: int | None = None) -> Table2:
    """Return the table of a sweep over ``heads.count`` and seeds.

    By default it is the newest finished sweep that fits. A sweep that is named may be half done: the table then has its finished trials,
    and ``missing`` lists the others. A run is unstable if its final grouping has stood for fewer than ``settle`` steps. None means 500
    steps, or 100 for runs below 3,000 steps. Raises ConfigError if no sweep fits. The message says why.
    """
    sweep = choose_sweep(
        read_sweeps(storage), storage, name, "Table 2", lambda one: head_count_misfit(one, partial=name is not None), SPACE
    )
    learned, _ = learned_trials(sweep, partial=name is not None)
    trials = [trial_evidence(trial, TABLE_3_STEPS, settle) for trial in learned]
    return summarise_runs(sweep, sorted(trials, key=lambda trial: (trial.config.heads.count, trial.config.seed)))


def summarise_runs(sweep: StoredSweep, trials: list[TrialEvidence]) -> Table2:
    """Return the table of these runs, at least one. They come by number of heads."""
    tasks = by_paper_order({task for task, _ in trials[0].grouping.head_of})
    ours = occurrence_rows((trial.config.heads.count, trial.grouping.groups) for trial in trials)
    counts = sorted({trial.config.heads.count for trial in trials})
    has_papers_tasks = set(tasks) == set(PAPER_TASKS)
    return Table2(
        sweep=sweep,
        tasks=tasks,
        rows=tuple(_joined_rows(ours, TABLE_2 if has_papers_tasks else (), trials)),
        trials=tuple(trials),
        missing=missing_trials(sweep),
        head_counts=tuple(_head_count([trial for trial in trials if trial.config.heads.count == count], tasks) for count in counts),
        stability=stability([trial.grouping.groups for trial in trials], tasks),
        inconsistencies=tuple(inconsistencies(ours, len(trials))),
        paper_inconsistencies=tuple(inconsistencies(TABLE_2, TABLE_2_RUNS)),
    )


def head_count_misfit(sweep: StoredSweep, *, partial: bool) -> str:
    """Return the reason why a sweep does not fit Table 2, or nothing."""
    learned, reason = learned_trials(sweep, partial=partial)
    if reason:
        return reason
    configs = [trial.config() for trial in learned]
    if any(isinstance(sizes, tuple) for config in configs for sizes in (config.heads.embed, config.heads.hidden)):
        return "has heads of different sizes"
    if len({_kind(config) for config in configs}) > 1:
        return "varies more than heads.count and seeds"
    if len({config.heads.count for config in configs}) > 1 or any(trial.label.startswith("count=") for trial in missing_trials(sweep)):
        return ""
    return "does not vary heads.count"


def table2_json(table: Table2) -> dict[str, Any]:
    """Return every number of the table as JSON values."""
    return {
        "table": 2, "sweep": table.sweep.name, "data": table.sweep.data, "runs": len(table.trials), "settle": table.settle,
        "not_run": [str(trial) for trial in table.missing],
        "rows": [
            {
                "group": row.label, "tasks": list(by_paper_order(set(row.tasks))), "ours": _row_json(row.ours),
                "paper": _row_json(row.paper), "unstable": row.num_unstable,
            }
            for row in table.rows
        ],
        "task_totals": task_totals([row.ours for row in table.rows if row.ours]), "inconsistencies": list(table.inconsistencies),
        "paper_inconsistencies": list(table.paper_inconsistencies),
        "head_counts": [_head_count_json(count) for count in table.head_counts],
        "stability": table.stability and table.stability.to_json(), "trials": [run_json(trial) for trial in table.trials],
    }  # fmt: skip


def _joined_rows(ours: list[GroupRow], paper: tuple[GroupRow, ...], trials: list[TrialEvidence]) -> Iterator[Table2Row]:
    """Yield our rows, then those that only the paper has."""
    our_rows, paper_rows = {row.tasks: row for row in ours}, {row.tasks: row for row in paper}
    for tasks, row in {**our_rows, **paper_rows}.items():
        num_unstable = sum(trial.unstable and tasks in trial.grouping.groups for trial in trials)
        yield Table2Row(tasks, row.label, our_rows.get(tasks), paper_rows.get(tasks), num_unstable)


def _head_count(trials: list[TrialEvidence], tasks: tuple[str, ...]) -> HeadCount:
    return HeadCount(
        heads=trials[0].config.heads.count,
        trials=tuple(trials),
        groups=Spread.of(len(trial.grouping.groups) for trial in trials),
        idle=Spread.of(len(trial.grouping.idle) for trial in trials),
        decisiveness=Spread.of(trial.decisiveness for trial in trials),
        settling_step=Spread.of(trial.settling_step for trial in trials),
        num_unstable=sum(trial.unstable for trial in trials),
        stability=stability([trial.grouping.groups for trial in trials], tasks),
    )


def _kind(trial: Trial) -> Trial:
    """Return everything that the runs of one table must share."""
    return trial.replaced("seed", 0).replaced("heads.count", 1).replaced("training.checkpoint_every", 1)


def _row_json(row: GroupRow | None) -> dict[str, int] | None:
    return None if row is None else {"rank": row.rank, "occurrences": row.num_occurrences, "first_heads": row.first_heads}


def _head_count_json(count: HeadCount) -> dict[str, Any]:
    return {
        "heads": count.heads, "seeds": len(count.trials), "groups": count.groups.to_json(), "idle_heads": count.idle.to_json(),
        "mean_max_p_tm": count.decisiveness.to_json(), "settling_step": count.settling_step.to_json(),
        "unstable": count.num_unstable, "stability": count.stability and count.stability.to_json(),
    }  # fmt: skip
