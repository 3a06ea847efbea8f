"""Which sweeps of a storage path make Table 3: the table itself, its control, its yardsticks."""

from collections.abc import Sequence

from raygroup.config import Trial
from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.storage.sweeps import DONE, StoredSweep, StoredTrial


def fitting_sweep(sweeps: Sequence[StoredSweep], storage: Place, name: str | None) -> StoredSweep:
    """The newest finished sweep that varies the base coefficient and seeds only, or the named one; ConfigError says what is wrong."""
    named = [sweep for sweep in sweeps if name in (None, sweep.name)]
    if name is not None and not named:
        raise ConfigError(f"no sweep '{name}' in {storage}; there are: {', '.join(sweep.name for sweep in sweeps) or 'none'}")
    reasons = {sweep.name: _misfit(sweep) for sweep in named}
    fitting = [sweep for sweep in named if not reasons[sweep.name]]
    if not fitting:
        why = "; ".join(f"{sweep} {reason}" for sweep, reason in reasons.items()) or "there is no sweep"
        raise ConfigError(
            f"{storage} has no finished sweep for Table 3: {why}. 'python -m raygroup.sweep --storage-path {storage}' makes one"
        )
    return fitting[-1]


def _misfit(sweep: StoredSweep) -> str:
    """Why a sweep is no Table 3; empty where it is one."""
    if not sweep.finished:
        return f"is unfinished ({len(sweep.in_state(DONE))} of {sum(trial.declared for trial in sweep.trials)} trials done)"
    learned = [trial.config() for trial in grouped_trials(sweep, control=False)]
    if len({trial.grouping.base_coefficient for trial in learned}) < 2:
        return "does not vary grouping.base_coefficient"
    return "varies more than grouping.base_coefficient and seeds" if len({_kind(trial, sweep) for trial in learned}) > 1 else ""


def grouped_trials(sweep: StoredSweep, *, control: bool) -> list[StoredTrial]:
    """The finished trials whose grouping was learned, as it should be or as control."""
    configs = [(trial, trial.config()) for trial in sweep.in_state(DONE)]
    return [trial for trial, at in configs if at.grouping.control == control and at.grouping.method == "gumbel" and at.heads.count > 1]


def _kind(trial: Trial, sweep: StoredSweep) -> tuple[Trial, str]:
    """What trials of one table, and its control, have in common."""
    same = trial.replaced("seed", 0).replaced("grouping.base_coefficient", 0.0).replaced("grouping.control", False)
    return same.replaced("training.checkpoint_every", 1), sweep.data


def controls(sweeps: Sequence[StoredSweep], ours: StoredSweep) -> tuple[list[StoredTrial], str]:
    """Control trials that differ from ours in nothing else, of our sweep or else the newest; and whose, or why there are none."""
    others: list[str] = []
    kind = _kind(grouped_trials(ours, control=False)[0].config(), ours)
    for sweep in (ours, *reversed(sweeps)):
        found = grouped_trials(sweep, control=True) if sweep.finished else []
        if found and {_kind(trial.config(), sweep) for trial in found} == {kind}:
            return found, sweep.name
        others += [sweep.name] if found else []
    if others:
        return [], f"the control sweep {others[0]} has other words or settings: no control is shown"
    return [], "no finished control sweep"


def yardsticks(sweeps: Sequence[StoredSweep], data: str) -> dict[str, StoredSweep]:
    """The newest finished sweep of trials with one head, and the newest with one head a task, on the same words."""
    found: dict[str, StoredSweep] = {}
    for sweep in sweeps:
        configs = [trial.config() for trial in sweep.in_state(DONE)] if sweep.finished and sweep.data == data else []
        if configs and all(config.heads.count == 1 for config in configs):
            found["one head"] = sweep
        elif configs and all(config.grouping.method == "one-per-task" for config in configs):
            found["one per task"] = sweep
    return dict(sorted(found.items()))
