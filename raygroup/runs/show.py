"""``runs show``: a sweep's trials, their groupings and accuracy, and the scores of each task of one trial."""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from rich.console import Console
from rich.text import Text

from raygroup.errors import ConfigError, HistoryError
from raygroup.runs.find import find_trial_of
from raygroup.runs.shown_trials import print_failure, show_json_and_damage, shown_label, shown_values
from raygroup.search_space import GROUP_HEADS
from raygroup.storage.layout import PREDICTIONS_FILE
from raygroup.storage.sweeps import StoredSweep, TrialState
from raygroup.terminal import Column, fitted_table, print_line, titled

if TYPE_CHECKING:
    from raygroup.tables.trial_result import TrialResult

_FROM_HISTORY = ("grouping", "steps", "decisiveness", "settling_step")
_FROM_PREDICTIONS = ("unseen_accuracy", "unseen_one_minus_ned", "unseen_nll")
_COLUMNS = (
    Column("trial", shortest=20),
    Column("state"),
    Column("grouping", shortest=16),
    Column("steps", right=True, rank=5),
    Column("max P_TM", right=True, rank=3),
    Column("settled at", right=True, rank=4),
    Column("accuracy", right=True),
    Column("1-NED", right=True, rank=1),
    Column("NLL", right=True, rank=2),
)


def show_sweep(sweep: StoredSweep, out: Console, *, trial: str | None = None, as_json: bool) -> None:
    """Print the hypothesis, the trials, the reasons of failures, and the tasks of one trial.

    ``trial`` names the trial whose tasks are shown. Without it, that is the one that the sweep's own summary shows.
    """
    from raygroup.runs.show_banks import show_banks
    from raygroup.runs.show_detectors import show_detectors
    from raygroup.tables.sweep_result import SweepResult
    from raygroup.tables.task_report import print_task_report
    from raygroup.tables.trial_result import TrialResult

    if sweep.trains_on == GROUP_HEADS:
        show_banks(sweep, out, as_json=as_json)
        return
    if not sweep.learns_groupings:
        show_detectors(sweep, out, as_json=as_json)
        return
    results = {stored.id: TrialResult(stored) for stored in sweep.trials}
    named = results[find_trial_of(sweep, trial).id] if trial else None
    result = SweepResult(sweep, tuple(each for each in results.values() if each.stored.declared and each.is_readable))
    trials = [_trial_values(each) for each in results.values()]
    show_json_and_damage(sweep, trials, as_json=as_json, best=result.choice.to_json() if result.choice else None)
    if as_json:
        return
    _print_trials(sweep, trials, out)
    shown = named or result.shown
    if shown is not None and shown.is_readable:
        print_task_report(shown, result.choice, out)
    elif shown is not None:
        print_line(out, f"{shown.label} has no scores of tasks: it is {shown.state}")


def _print_trials(sweep: StoredSweep, trials: Sequence[dict[str, Any]], out: Console) -> None:
    print_line(out, sweep.hypothesis)
    out.print(titled(str(sweep.folder), fitted_table(_COLUMNS, [list(map(Text, _cells(trial))) for trial in trials], out.width)))
    note = (
        "accuracy, 1-NED and NLL: words never trained on, mean over tasks; the classifier routes words, but NLL is the loss of a character "
        "under the head of the true task"
    )
    out.print(note, style="dim", soft_wrap=True)
    for trial in trials:
        print_failure(trial, out)


def _trial_values(trial: "TrialResult") -> dict[str, Any]:
    """Return what is known of a trial. Values that it does not have yet are None."""
    values: dict[str, Any] = dict.fromkeys((*_FROM_HISTORY, *_FROM_PREDICTIONS)) | {"tasks": []}
    damaged: dict[str, None] = {}
    for read in (_require_settings, _history_values, _scores, _tasks):
        try:
            values |= read(trial)
        except ConfigError as error:
            damaged[str(error)] = None
    return shown_values(trial.stored, values, [*damaged])


def _require_settings(trial: "TrialResult") -> dict[str, Any]:
    """Check that a finished trial has its own settings."""
    if trial.state == TrialState.DONE:
        _ = trial.settings
    return {}


def _history_values(trial: "TrialResult") -> dict[str, Any]:
    """Read the grouping from the history. Only a finished trial must have one."""
    try:
        history = trial.history
    except HistoryError:
        if trial.state == TrialState.DONE:
            raise
        return {}
    return {
        "grouping": str(trial.groups), "steps": int(history.step[-1]), "decisiveness": trial.decisiveness,
        "settling_step": trial.settling_step,
    }  # fmt: skip


def _scores(trial: "TrialResult") -> dict[str, float | None]:
    """Return the mean scores of words never trained on.

    Only a finished trial must have predictions.
    """
    if not (trial.folder / PREDICTIONS_FILE).is_file() and trial.state != TrialState.DONE:
        return {}
    score = trial.scores("unseen").mean
    nll = trial.nll("unseen") if trial.state == TrialState.DONE else math.nan
    return {
        "unseen_accuracy": _number(score.accuracy), "unseen_one_minus_ned": _number(score.one_minus_ned), "unseen_nll": _number(nll)
    }  # fmt: skip


def _tasks(trial: "TrialResult") -> dict[str, Any]:
    """Return the results of each task of a finished trial."""
    from raygroup.tables.task_columns import task_rows_json

    return {"tasks": task_rows_json(trial.task_results())} if trial.state == TrialState.DONE else {}


def _number(value: float) -> float | None:
    """Return None for nan, which JSON cannot express."""
    return None if math.isnan(value) else float(value)


def _cells(trial: dict[str, Any]) -> list[str]:
    return [
        shown_label(trial), trial["state"], trial["grouping"] or "-", _text(trial["steps"]), _text(trial["decisiveness"], ".2f"),
        _text(trial["settling_step"]), _text(trial["unseen_accuracy"], ".3f"), _text(trial["unseen_one_minus_ned"], ".3f"),
        _text(trial["unseen_nll"], ".3f") or ("-" if trial["state"] == TrialState.DONE else ""),
    ]  # fmt: skip


def _text(value: float | None, digits: str = "") -> str:
    return "" if value is None else format(value, digits)
