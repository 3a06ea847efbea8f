"""Which sweep or trial a user means, and how far trials are: what the commands of ``raygroup.runs.__main__`` share."""

from collections.abc import Sequence

from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.storage.sweeps import DONE, FAILED, NOT_STARTED, UNFINISHED, StoredSweep, StoredTrial, read_sweeps

STATES = (DONE, FAILED, UNFINISHED, NOT_STARTED)
_LISTED = 8


def find_sweep(name: str, storages: Sequence[Place]) -> StoredSweep:
    """The sweep of a name, the newest where several storage paths have it; raises ConfigError that lists the names there are."""
    sweeps = [sweep for storage in storages for sweep in read_sweeps(storage)]
    named = [sweep for sweep in sweeps if sweep.name == name]
    if not named:
        known = ", ".join(sorted({sweep.name for sweep in sweeps})) or "none"
        raise ConfigError(f"no sweep '{name}' in {_joined(storages)}; there are: {known}")
    return named[-1]


def find_trial(named: str, storages: Sequence[Place]) -> tuple[StoredSweep, StoredTrial]:
    """The trial of an id, of the beginning of one, or of a part of its label; raises ConfigError that lists those it could be."""
    every = [(sweep, trial) for storage in storages for sweep in read_sweeps(storage) for trial in sweep.trials]
    chosen = matching(named, [trial for _, trial in every])
    if not chosen:
        known = f"{len(every)} trials, such as {_described([trial for _, trial in every])}" if every else "none"
        raise ConfigError(f"no trial '{named}' in {_joined(storages)}; there are: {known}")
    if len(chosen) > 1:
        raise ConfigError(f"'{named}' could be any of {len(chosen)} trials: {_described(chosen)}")
    return next((sweep, trial) for sweep, trial in every if trial is chosen[0])


def matching(named: str, trials: Sequence[StoredTrial]) -> list[StoredTrial]:
    """The trials of an id; where there is none, those whose id begins so; where there is none, those with it in their labels."""
    fits = (lambda t: t.id == named, lambda t: t.id.startswith(named), lambda t: named in t.label)
    return next((found for fit in fits if (found := [trial for trial in trials if fit(trial)])), [])


def states(sweep: StoredSweep) -> dict[str, str]:
    """Trial id -> state of those it declares."""
    return {trial.id: trial.state for trial in sweep.trials if trial.declared}


def _described(trials: Sequence[StoredTrial]) -> str:
    more = f" and {len(trials) - _LISTED} more" if len(trials) > _LISTED else ""
    return ", ".join(f"{trial.id} ({trial.label})" for trial in trials[:_LISTED]) + more


def _joined(storages: Sequence[Place]) -> str:
    return ", ".join(map(str, storages))
