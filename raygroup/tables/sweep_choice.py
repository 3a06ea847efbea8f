"""Choose the sweep of a table, and for Table 3 its control and its yardsticks."""

import re
from collections.abc import Callable, Sequence

from raygroup.config import Trial
from raygroup.errors import ConfigError, first_names
from raygroup.files.places import Place
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState

_MOST_NAMED = 4
"""Trials that a reason names one by one."""


def choose_sweep(
    sweeps: Sequence[StoredSweep], storage: Place, name: str | None, table: str, misfit: Callable[[StoredSweep], str], makes: str | None
) -> StoredSweep:
    """Return the newest sweep that fits a table.

    ``misfit`` returns the reason why a sweep does not fit, or nothing. With a name, only this sweep is considered. Without one, sweeps that
    are named after another table are left out, such as ``table5_groupings`` for Table 2.

    Raises ConfigError if none fits. The message gives the reason for each, and how to make one: ``makes`` are the arguments of
    ``python -m raygroup.sweep``, and None if no bundled search space does.
    """
    candidates = [sweep for sweep in sweeps if name in (None, sweep.name)]
    if name is not None and not candidates:
        raise ConfigError(f"no sweep '{name}' in {storage}; there are: {', '.join(sweep.name for sweep in sweeps) or 'none'}")
    reasons = {sweep.name: "" if name else _other_table(sweep.name, table) for sweep in candidates}
    reasons = {sweep.name: reasons[sweep.name] or misfit(sweep) for sweep in candidates}
    fitting = [sweep for sweep in candidates if not reasons[sweep.name]]
    if not fitting:
        why = "; ".join(f"{sweep} {reason}" for sweep, reason in reasons.items()) or "there is no sweep"
        command = " ".join(["python -m raygroup.sweep", *(makes or "").split(), f"--storage-path {storage}"])
        advice = "" if makes is None else f". '{command}' makes one"
        raise ConfigError(f"{storage} has no finished sweep for {table}: {why}{advice}")
    return fitting[-1]


def _other_table(name: str, table: str) -> str:
    """Return that a sweep has the name of another table than ``Table 2``, or nothing."""
    number = re.match(r"table(\d)", name)
    is_other = number is not None and number[1] not in table
    return f"is for Table {number[1]}" if number and is_other else ""


def unfinished_reason(sweep: StoredSweep) -> str:
    """Return why a sweep cannot be read whole, with the trials that are not done, or nothing."""
    if not sweep.learns_groupings:
        return f"trains {'on ' * sweep.trains_on_scenes}{sweep.trains_on}"
    if sweep.finished:
        return ""
    declared = [trial for trial in sweep.trials if trial.declared]
    missing = [trial.label for trial in declared if trial.state != TrialState.DONE]
    names = f", without {first_names(missing, _MOST_NAMED)}" if missing else ""
    return f"is unfinished ({len(declared) - len(missing)} of {len(declared)} trials done){names}"


def epsilon_misfit(sweep: StoredSweep) -> str:
    """Return the reason why a sweep does not fit Table 3, which varies the base coefficient and seeds, or nothing."""
    unfinished = unfinished_reason(sweep)
    if unfinished:
        return unfinished
    try:
        learned = [trial.config() for trial in grouped_trials(sweep, control=False)]
    except ConfigError as error:
        return f"has a trial that cannot be read: {error}"
    if len({trial.grouping.base_coefficient for trial in learned}) < 2:
        return "does not vary grouping.base_coefficient"
    return "varies more than grouping.base_coefficient and seeds" if len({_kind(trial, sweep) for trial in learned}) > 1 else ""


def grouped_trials(sweep: StoredSweep, *, control: bool) -> list[StoredTrial]:
    """Return the finished trials that learned a grouping.

    With ``control`` only control trials are returned, otherwise only the others.
    """
    configs = [(trial, trial.config()) for trial in sweep.in_state(TrialState.DONE)]
    return [
        trial
        for trial, config in configs
        if config.grouping.control == control and config.grouping.method == "gumbel" and config.heads.count > 1
    ]


def _kind(trial: Trial, sweep: StoredSweep) -> tuple[Trial, str]:
    """Return everything that trials of one table must share. Its control must share it too."""
    same = trial.replaced("seed", 0).replaced("grouping.base_coefficient", 0.0).replaced("grouping.control", False)
    return same.replaced("training.checkpoint_every", 1), sweep.data


def control_trials(sweeps: Sequence[StoredSweep], sweep: StoredSweep) -> tuple[list[StoredTrial], str]:
    """Return the control trials of a sweep.

    The text is the name of the sweep that has them. Apart from being controls they have the sweep's
    words and settings. They come from the sweep itself, otherwise from the newest other one. If
    there are none, the list is empty and the text is the reason instead.
    """
    others: list[str] = []
    kind = _kind(grouped_trials(sweep, control=False)[0].config(), sweep)
    for candidate in (sweep, *reversed(sweeps)):
        controls = _readable_controls(candidate) if candidate.finished else []
        if controls and {_kind(trial.config(), candidate) for trial in controls} == {kind}:
            return controls, candidate.name
        others += [candidate.name] if controls else []
    if others:
        return [], f"the control sweep {others[0]} has other words or settings: no control is shown"
    return [], "no finished control sweep"


def _readable_controls(sweep: StoredSweep) -> list[StoredTrial]:
    """Return the control trials of a finished sweep. A sweep whose settings cannot be read has none to offer."""
    try:
        return grouped_trials(sweep, control=True)
    except ConfigError:
        return []


def yardsticks(sweeps: Sequence[StoredSweep], data: str) -> dict[str, StoredSweep]:
    """Return the sweeps to compare with.

    They are the newest finished ones with one head for all tasks, and with one head for each. Only
    sweeps on the same words count. Sweeps with damaged records do not: ``runs show`` names the damage.
    """
    newest: dict[str, StoredSweep] = {}
    for sweep in sweeps:
        is_comparable = sweep.learns_groupings and sweep.finished and sweep.data == data
        trials = sweep.in_state(TrialState.DONE) if is_comparable else ()
        try:
            configs = [trial.config() for trial in trials]
        except ConfigError:
            continue
        if configs and all(config.heads.count == 1 for config in configs):
            newest["one head"] = sweep
        elif configs and all(config.grouping.method == "one-per-task" for config in configs):
            newest["one per task"] = sweep
    return dict(sorted(newest.items()))
