"""Find the trial that a user wants to export or read with."""

from collections.abc import Sequence
from pathlib import Path

from raygroup.errors import ConfigError, first_names
from raygroup.files.atomic import read_json
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place, local_path, place
from raygroup.runs.find import find_sweep, find_trial, match_trials
from raygroup.spotter_config import Detector
from raygroup.storage.layout import CONFIG_FILE, DETECTOR_FILE, SPOTTER_FILE, SWEEP_FILE
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState, read_sweep, read_sweeps
from raygroup.tables.choices.choice_report import CHOICE, words_of
from raygroup.tables.sweep_result import SweepResult
from raygroup.tables.trial_choice import choose_trial
from raygroup.tables.trial_result import TrialResult
from raygroup.terminal import print_warning

_MAX_NAMES = 8


def named_trial(name: str, storages: Sequence[Place], *, best: bool = False) -> StoredTrial:
    """Return the trial that a user named.

    The name is a trial's folder, ``SWEEP:LABEL``, an id or a part of a label. It may also be the ``choice.json`` of
    ``python -m raygroup.choose``, which stands for the best trial that trained this grouping, or a sweep
    with one trial, by name or folder. With ``best`` it is a sweep, and the trial is the one with the
    highest mean exact match on unseen words. Raises ConfigError if no trial or several match.
    """
    if name.endswith(".json"):
        return _chosen_trial(name, storages, best=best)
    sweep_name, colon, label = name.partition(":")
    if colon and "/" not in sweep_name and not label.startswith("//"):
        if best:
            raise ConfigError(f"--best: {name} is one trial; name its sweep, or leave --best out")
        return _labelled_trial(find_sweep(sweep_name, storages), label)
    if "/" in name or any((place(name) / file).is_file() for file in (SWEEP_FILE, CONFIG_FILE)):
        return _trial_at(place(name), best)
    sweeps = [sweep for storage in storages if storage.is_dir() for sweep in read_sweeps(storage) if sweep.name == name]
    if sweeps:
        return _trial_of(sweeps[-1], best)
    if best:
        return _trial_of(find_sweep(name, storages), best)
    return find_trial(name, storages)[1]


def named_detector(name: str | Path, storages: Sequence[Place]) -> Path:
    """Return the weights file of the detector that a user named.

    The name is a file, or a finished trial on scenes as ``named_trial`` takes it. The file of a whole spotter has all its parts.
    Raises ConfigError if there is none.
    """
    if local_path(name).is_file():
        return local_path(name)
    if str(name).endswith(".safetensors"):
        raise ConfigError(f"{name}: no such file of a detector's weights")
    trial = named_trial(str(name), storages)
    weights = trial.folder / (DETECTOR_FILE if isinstance(trial.scene_settings(), Detector) else SPOTTER_FILE)
    if trial.state != TrialState.DONE or not weights.is_file():
        raise ConfigError(f"--detector {name}: the trial has no {weights.name}, it is {trial.state}: run its sweep to the end")
    return local_copy(weights)


def _chosen_trial(name: str, storages: Sequence[Place], *, best: bool) -> StoredTrial:
    """Return the finished trial that reads unseen words best, out of those that trained the grouping of a choice on its words."""
    if best:
        raise ConfigError(f"--best: {name} is a choice, which already stands for its best trial; leave --best out")
    choice = read_json(place(name))
    if choice.get("kind") != CHOICE:
        raise ConfigError(f"{name}: no choice of 'python -m raygroup.choose'")
    groups = frozenset(map(frozenset, choice["groups"]))
    sweeps = [sweep for storage in storages for sweep in read_sweeps(storage) if sweep.learns_groupings]
    trials = [TrialResult(trial) for sweep in sweeps for trial in sweep.in_state(TrialState.DONE)]
    fitting = [
        trial for trial in trials if trial.is_readable and trial.groups.groups == groups and words_of(trial.folder) == choice["words"]
    ]
    chosen = choose_trial(fitting)
    if chosen is None:
        space = Path(name).parent / "chosen.py"
        raise ConfigError(
            f"{name}: no finished trial in {_join(storages)} has the grouping {choice['grouping']} on these words: train it with "
            f"'python -m raygroup.sweep {space}'"
        )
    return chosen.trial.stored


def _join(storages: Sequence[Place]) -> str:
    return ", ".join(map(str, storages))


def _trial_at(folder: Place, best: bool) -> StoredTrial:
    if (folder / SWEEP_FILE).is_file():
        return _trial_of(read_sweep(folder), best)
    if not (folder / CONFIG_FILE).is_file():
        raise ConfigError(f"{folder}: neither the folder of a trial nor that of a sweep: a trial's folder holds {CONFIG_FILE}")
    if best:
        raise ConfigError(f"--best: {folder} is one trial; name its sweep, or leave --best out")
    return StoredTrial(folder, folder.name, str(intact_record(folder / CONFIG_FILE).get("label", folder.name)), True)


def _trial_of(sweep: StoredSweep, best: bool) -> StoredTrial:
    declared = [trial for trial in sweep.trials if trial.declared]
    if best:
        return _best_trial(sweep)
    if len(declared) != 1:
        raise ConfigError(
            f"sweep '{sweep.name}' has {len(declared)} trials: name one as {sweep.name}:LABEL, or take the best with --best; "
            f"labels: {_labels(declared)}"
        )
    return declared[0]


def _labelled_trial(sweep: StoredSweep, label: str) -> StoredTrial:
    exact = [trial for trial in sweep.trials if trial.label == label]
    matches = exact or match_trials(label, sweep.trials)
    if len(matches) != 1:
        raise ConfigError(
            f"'{label}' fits {len(matches) or 'no'} trials of sweep '{sweep.name}'; labels: {_labels(matches or sweep.trials)}"
        )
    return matches[0]


def _best_trial(sweep: StoredSweep) -> StoredTrial:
    """Return the trial to ship, as ``SweepResult.best``. Damaged records of others are named on standard error."""
    result = SweepResult.of(sweep)
    for line in result.damaged:
        print_warning(line)
    if result.best is None:
        raise ConfigError(f"sweep '{sweep.name}' has no finished trial with unseen words: run its command to finish it, or name a trial")
    return result.best.stored


def _labels(trials: Sequence[StoredTrial]) -> str:
    return first_names((repr(trial.label) for trial in trials), _MAX_NAMES)
