"""The trials of a sweep that a table shows, and those that it lacks."""

from dataclasses import dataclass
from typing import Any

from raygroup.errors import ConfigError
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState
from raygroup.tables.sweep_choice import grouped_trials, unfinished_reason
from raygroup.tables.trial_evidence import TrialEvidence


@dataclass(frozen=True)
class MissingTrial:
    """A declared trial that is not done."""

    label: str
    state: str
    reason: str
    """Why it failed. Empty in other states."""

    def __str__(self) -> str:
        return f"{self.label} ({self.state}{': ' if self.reason else ''}{self.reason})"


def missing_trials(sweep: StoredSweep) -> tuple[MissingTrial, ...]:
    """Return the declared trials that are not done, in the order of the sweep."""
    declared = [trial for trial in sweep.trials if trial.declared]
    return tuple(
        MissingTrial(trial.label, str(trial.state), str(trial.outcome().get("reason", "")))
        for trial in declared
        if trial.state != TrialState.DONE
    )


def missing_remark(missing: tuple[MissingTrial, ...], num_done: int) -> list[str]:
    """Return a sentence on the trials that were not run, if there are any."""
    if not missing:
        return []
    return [f"Not run: {len(missing)} of {len(missing) + num_done} trials. {'; '.join(map(str, missing))}."]


def learned_trials(sweep: StoredSweep, *, partial: bool) -> tuple[list[StoredTrial], str]:
    """Return the finished trials that learned a grouping, and the reason why the sweep cannot be used, or nothing.

    With ``partial``, an unfinished sweep can be used as far as it is.
    """
    reason = unfinished_reason(sweep)
    if not sweep.learns_groupings or (reason and not partial):
        return [], reason
    try:
        trials = grouped_trials(sweep, control=False)
    except ConfigError as error:
        return [], f"has a trial that cannot be read: {error}"
    return trials, "" if trials else reason or "has no trial that learned a grouping"


def run_json(trial: TrialEvidence) -> dict[str, Any]:
    """Return one run as JSON values."""
    return {"heads": trial.config.heads.count, "groups": len(trial.grouping.groups), "settle": trial.settle, **trial.to_json()}
