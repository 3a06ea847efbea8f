"""``runs show``: a sweep's trials, their groupings and accuracy."""

import math
from typing import Any

from rich.console import Console
from rich.markup import escape

from raygroup.errors import ConfigError, HistoryError
from raygroup.runs.find import warn_of_damage
from raygroup.storage.layout import PREDICTIONS_FILE
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState
from raygroup.terminal import print_json, print_line, print_table, print_warning, table

_FROM_HISTORY = ("grouping", "steps", "decisiveness", "settling_step")
_FROM_PREDICTIONS = ("unseen_accuracy", "unseen_one_minus_ned")
_NUMBERS = ("steps", "max P_TM", "settled at", "accuracy", "1-NED")


def show_sweep(sweep: StoredSweep, out: Console, *, as_json: bool) -> None:
    """Print the hypothesis, the trials, and the reasons of failures."""
    trials = [_trial_values(trial) for trial in sweep.trials]
    if as_json:
        values = {"name": sweep.name, "folder": str(sweep.folder), "hypothesis": sweep.hypothesis, "trials": trials}
        print_json(values | {"damaged": list(sweep.damage)})
    warn_of_damage([sweep])
    for damage in (damage for trial in trials for damage in trial["damaged"]):
        print_warning(damage)
    if as_json:
        return
    print_line(out, sweep.hypothesis)
    rows = table("trial", "state", "grouping", *_NUMBERS, right=_NUMBERS)
    for trial in trials:
        rows.add_row(*_cells(trial))
    print_table(out, str(sweep.folder), rows)
    note = "accuracy and 1-NED: words never trained on, routed by the classifier, mean over tasks"
    out.print(note, style="dim", soft_wrap=True)
    for trial in trials:
        if trial["declared"] and trial["failure"]:
            print_line(out, f"{trial['label']} failed at step {trial['failure']['step']}: {trial['failure']['reason']}")


def _trial_values(trial: StoredTrial) -> dict[str, Any]:
    """Return what is known of a trial. Values that it does not have yet are None."""
    outcome = trial.outcome() if trial.state == TrialState.FAILED else {}
    values: dict[str, Any] = dict.fromkeys((*_FROM_HISTORY, *_FROM_PREDICTIONS))
    damaged = []
    for read in (_require_settings, _history_values, _scores):
        try:
            values |= read(trial)
        except ConfigError as error:
            damaged.append(str(error))
    return {
        "id": trial.id, "label": trial.label, "declared": trial.declared, "state": str(trial.state), **values, "damaged": damaged,
        "failure": {name: outcome.get(name) for name in ("step", "reason", "at")} if outcome else None,
    }  # fmt: skip


def _require_settings(trial: StoredTrial) -> dict[str, Any]:
    """Check that a finished trial has its own settings."""
    if trial.state == TrialState.DONE:
        trial.config()
    return {}


def _history_values(trial: StoredTrial) -> dict[str, Any]:
    """Read the grouping from the history. Only a finished trial must have one."""
    from raygroup.history.assignments import assignment, decisiveness, grouping, settling_row

    try:
        history = trial.history()
    except HistoryError:
        if trial.state == TrialState.DONE:
            raise
        return {}
    assigned = assignment(history.r_tm)
    return {
        "grouping": str(grouping(history.tasks, history.heads, assigned[-1])), "steps": int(history.step[-1]),
        "decisiveness": float(decisiveness(history.r_tm[-1])), "settling_step": int(history.step[settling_row(assigned)]),
    }  # fmt: skip


def _scores(trial: StoredTrial) -> dict[str, float | None]:
    """Return the mean scores of words never trained on.

    Only a finished trial must have predictions.
    """
    from raygroup.scoring.predictions import read_predictions, score_predictions

    path = trial.folder / PREDICTIONS_FILE
    if not path.is_file() and trial.state != TrialState.DONE:
        return {}
    score = score_predictions(read_predictions(path, ["split", "task", "text", "reading"]), "unseen").mean
    return {"unseen_accuracy": _number(score.accuracy), "unseen_one_minus_ned": _number(score.one_minus_ned)}


def _number(value: float) -> float | None:
    """Return None for nan, which JSON cannot express."""
    return None if math.isnan(value) else float(value)


def _cells(trial: dict[str, Any]) -> list[str]:
    label = trial["label"] if trial["declared"] else f"{trial['label']} (no longer in the sweep)"
    return [
        escape(label), trial["state"], escape(trial["grouping"] or "-"), _text(trial["steps"]), _text(trial["decisiveness"], ".2f"),
        _text(trial["settling_step"]), _text(trial["unseen_accuracy"], ".3f"), _text(trial["unseen_one_minus_ned"], ".3f"),
    ]  # fmt: skip


def _text(value: float | None, digits: str = "") -> str:
    return "" if value is None else format(value, digits)
