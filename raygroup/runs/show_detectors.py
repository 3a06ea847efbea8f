"""``runs show`` of a sweep on scenes or of stage 1: its trials, how their losses ended, groupings of spotters, and scores of stage 1."""

from collections.abc import Sequence
from typing import Any

from rich.console import Console
from rich.text import Text

from raygroup.errors import ConfigError, HistoryError
from raygroup.runs.shown_trials import print_failure, show_json_and_damage, shown_label, shown_values
from raygroup.search_space import STAGE_1
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.tables.spotter.spotter_report import loss_columns
from raygroup.tables.spotter.spotter_trial import SpotterTrialResult, computed_losses
from raygroup.tables.stage1.stage1_report import SCORE_COLUMNS, print_stage1_tasks, score_cells
from raygroup.tables.stage1.stage1_trial import Stage1TrialResult
from raygroup.tables.sweep_result import stage1_trials
from raygroup.terminal import Column, fitted_table, print_line, titled

_GROUPING = ("grouping", "head_of", "decisiveness", "settling_step")
"""What is known of a grouping. A detector has none."""
_GROUPING_COLUMNS = (
    Column("grouping", shortest=16), Column("max P_TM", right=True, rank=10), Column("settled at", right=True, rank=11),
)  # fmt: skip


def show_detectors(sweep: StoredSweep, out: Console, *, as_json: bool) -> None:
    """Print the hypothesis, the trials and the reasons of failures."""
    kind = Stage1TrialResult if sweep.trains_on == STAGE_1 else SpotterTrialResult
    results = [kind(trial) for trial in sweep.trials]
    trials = [_trial_values(trial) for trial in results]
    show_json_and_damage(sweep, trials, as_json=as_json)
    if as_json:
        return
    _print_trials(sweep, results, trials, out)
    if shown := next((trial for trial in stage1_trials(results) if trial.is_readable), None):
        print_stage1_tasks(shown, out)


def _trial_values(trial: SpotterTrialResult) -> dict[str, Any]:
    """Return what is known of a trial. Values that it does not have yet are None."""
    is_done = trial.state == TrialState.DONE
    values: dict[str, Any] = dict.fromkeys((*_GROUPING, "steps", "samples_per_s", "weights")) | {"losses": {}}
    damaged: list[str] = []
    try:
        damaged += [trial.damage] if is_done and trial.damage else []
        values |= {"weights": str(trial.weights)} if is_done and not damaged else {}
        values |= {"steps": int(trial.steps.step[-1]), "losses": dict(trial.losses), "samples_per_s": trial.samples_per_s}
        if trial.has_grouping:
            values |= {
                "grouping": str(trial.groups), "head_of": dict(trial.groups.head_of), "decisiveness": trial.decisiveness,
                "settling_step": trial.settling_step,
            }  # fmt: skip
    except HistoryError:
        pass  # it has not recorded a step yet, or its damage is listed
    except ConfigError as error:
        damaged.append(str(error))
    if isinstance(trial, Stage1TrialResult):
        values |= {"scores": dict(trial.head_scores)}
    return shown_values(trial.stored, values, damaged)


def _print_trials(sweep: StoredSweep, results: Sequence[SpotterTrialResult], trials: list[dict[str, Any]], out: Console) -> None:
    losses = computed_losses(trial["losses"] for trial in trials)
    has_grouping = any(trial["grouping"] for trial in trials)
    columns = [
        Column("trial", shortest=20), Column("state"), *(_GROUPING_COLUMNS if has_grouping else ()), Column("steps", right=True),
        *loss_columns(losses), Column("samples/s", right=True, rank=1), *(SCORE_COLUMNS if stage1_trials(results) else ()),
    ]  # fmt: skip
    print_line(out, sweep.hypothesis)
    scores = [score_cells(each) if isinstance(each, Stage1TrialResult) else [] for each in results]
    rows = [list(map(Text, [*_cells(trial, losses, has_grouping), *cells])) for trial, cells in zip(trials, scores, strict=True)]
    out.print(titled(str(sweep.folder), fitted_table(columns, rows, out.width)))
    for trial in trials:
        if trial["weights"]:
            print_line(out, f"{trial['label']}: {trial['weights']}")
        print_failure(trial, out)


def _cells(trial: dict[str, Any], losses: list[str], has_grouping: bool) -> list[str]:
    cells = [f"{trial['losses'][name]:.3f}" if name in trial["losses"] else "" for name in losses]
    speed, steps = trial["samples_per_s"], "" if trial["steps"] is None else str(trial["steps"])
    groups = [trial["grouping"], f"{trial['decisiveness']:.2f}", str(trial["settling_step"])] if trial["grouping"] else ["-", "", ""]
    return [
        shown_label(trial), trial["state"], *(groups if has_grouping else []), steps, *cells,
        "" if speed is None else f"{speed:.1f}",
    ]  # fmt: skip
