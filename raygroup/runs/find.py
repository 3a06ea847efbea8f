"""Find the sweep or trial that a user named."""

import difflib
from collections.abc import Iterable, Sequence

from raygroup.errors import ConfigError, first_names
from raygroup.files.places import Place
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState, read_sweeps
from raygroup.terminal import print_warning

STATES = (TrialState.DONE, TrialState.FAILED, TrialState.UNFINISHED, TrialState.NOT_STARTED)
"""Every state, in the order of the columns of a table."""
_MAX_NAMES = 8
"""Most trials that an error message lists."""


def find_sweep(name: str, storages: Sequence[Place]) -> StoredSweep:
    """Return the sweep with this name.

    It comes from the last storage path that has one. Raises ConfigError if there is none. The
    message lists the names that exist, the closest ones first.
    """
    sweeps = [sweep for storage in storages for sweep in read_sweeps(storage)]
    matches = [sweep for sweep in sweeps if sweep.name == name]
    if not matches:
        known = ", ".join(_close_first(name, sorted({sweep.name for sweep in sweeps}))) or "none"
        raise ConfigError(f"no sweep '{name}' in {_join(storages)}; there are: {known}")
    return matches[-1]


def find_trial(name: str, storages: Sequence[Place]) -> tuple[StoredSweep, StoredTrial]:
    """Return the trial that a user named, after its sweep.

    The name is an id, the beginning of an id, or a part of a label. Raises ConfigError if no trial
    or several trials match. The message lists them.
    """
    candidates = [(sweep, trial) for storage in storages for sweep in read_sweeps(storage) for trial in sweep.trials]
    matches = match_trials(name, [trial for _, trial in candidates])
    if not matches:
        known = f"{len(candidates)} trials, such as {_describe([trial for _, trial in candidates])}" if candidates else "none"
        raise ConfigError(f"no trial '{name}' in {_join(storages)}; there are: {known}")
    if len(matches) > 1:
        raise ConfigError(f"'{name}' could be any of {len(matches)} trials: {_describe(matches)}")
    return next((sweep, trial) for sweep, trial in candidates if trial is matches[0])


def find_trial_of(sweep: StoredSweep, name: str) -> StoredTrial:
    """Return the trial of a sweep that a user named, as ``find_trial`` does for all sweeps.

    Trials that the sweep no longer declares come into question only if no declared one matches.
    """
    matches = match_trials(name, [trial for trial in sweep.trials if trial.declared]) or match_trials(name, sweep.trials)
    if len(matches) != 1:
        reason = f"could be any of {len(matches)} trials" if matches else f"names no trial of {sweep.name}; there are"
        raise ConfigError(f"'{name}' {reason}: {_describe(matches or sweep.trials)}")
    return matches[0]


def match_trials(name: str, trials: Sequence[StoredTrial]) -> list[StoredTrial]:
    """Return the trials with this id.

    If there are none, return those whose id begins with it. If there are none either, return those
    whose label contains it.
    """
    tests = (lambda t: t.id == name, lambda t: t.id.startswith(name), lambda t: name in t.label)
    return next((matches for test in tests if (matches := [trial for trial in trials if test(trial)])), [])


def declared_states(sweep: StoredSweep) -> dict[str, TrialState]:
    """Return trial id -> state of the declared trials."""
    return {trial.id: trial.state for trial in sweep.trials if trial.declared}


def warn_of_damage(sweeps: Iterable[StoredSweep]) -> None:
    """Print a line on standard error for each damaged file that decides a state."""
    for sweep in sweeps:
        for line in sweep.damage:
            print_warning(line)


def _describe(trials: Sequence[StoredTrial]) -> str:
    return first_names((f"{trial.id} ({trial.label})" for trial in trials), _MAX_NAMES)


def _close_first(name: str, names: Sequence[str]) -> list[str]:
    """Return names with those that come close first. A message may be cut at its end."""
    return [*dict.fromkeys((*difflib.get_close_matches(name, names), *names))]


def _join(storages: Sequence[Place]) -> str:
    return ", ".join(map(str, storages))
