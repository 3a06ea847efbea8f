"""The parts of ``runs show`` that every kind of sweep has: values of a trial, damage, and failures."""

from collections.abc import Mapping, Sequence
from typing import Any

from rich.console import Console

from raygroup.runs.find import warn_of_damage
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState
from raygroup.terminal import print_json, print_line, print_warning


def shown_values(stored: StoredTrial, values: Mapping[str, Any], damaged: Sequence[str]) -> dict[str, Any]:
    """Return the values of a trial for ``--json``: its name and state, ``values`` of its kind, its damage, and its failure."""
    outcome = stored.outcome() if stored.state == TrialState.FAILED else {}
    return {
        "id": stored.id, "label": stored.label, "declared": stored.declared, "state": str(stored.state), **values, "damaged": [*damaged],
        "failure": {name: outcome.get(name) for name in ("step", "reason", "at")} if outcome else None,
    }  # fmt: skip


def show_json_and_damage(sweep: StoredSweep, trials: Sequence[Mapping[str, Any]], *, as_json: bool, **more: Any) -> None:
    """Print the sweep as one JSON object if ``as_json``, and warn of damaged records. ``more`` are further values of the sweep."""
    if as_json:
        values = {"name": sweep.name, "folder": str(sweep.folder), "hypothesis": sweep.hypothesis, "trials": trials}
        print_json(values | more | {"damaged": list(sweep.damage)})
    warn_of_damage([sweep])
    for damage in (damage for trial in trials for damage in trial["damaged"]):
        print_warning(damage)


def shown_label(trial: Mapping[str, Any]) -> str:
    """Return the label of a trial, and whether the sweep still declares it."""
    return str(trial["label"]) if trial["declared"] else f"{trial['label']} (no longer in the sweep)"


def print_failure(trial: Mapping[str, Any], out: Console) -> None:
    """Print why a declared trial failed, if it did."""
    if trial["declared"] and trial["failure"]:
        print_line(out, f"{trial['label']} failed at step {trial['failure']['step']}: {trial['failure']['reason']}")
