"""Read the sweeps on a storage path, and the state of their trials. Nothing here writes."""

import functools
import os
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.config import Pretraining, Trial
from raygroup.errors import ConfigError, DamagedFileError, HistoryError
from raygroup.files.places import Place
from raygroup.files.remote import Remote
from raygroup.search_space import GROUP_HEADS, GROUPINGS, SCENES, STAGE_1, AnyTrial, SceneTrial, any_trial_from_json
from raygroup.storage.identity import require_own_settings
from raygroup.storage.layout import (
    CACHE_FOLDER,
    CACHE_PREFIXES,
    CONFIG_FILE,
    DONE_FILE,
    FAILED_FILE,
    FIGURES_FOLDER,
    HISTORY_FILE,
    SWEEP_FILE,
)
from raygroup.storage.records import intact_record, read_record, with_remedy

if TYPE_CHECKING:
    from raygroup.history.reader import History

_THREADS = 16
"""Trials to read at the same time. An object store takes a while for each answer."""


class TrialState(StrEnum):
    """The state of a trial, as its folder shows it."""

    DONE = "done"
    FAILED = "failed"
    """For good: it is not tried again until the sweep is run again."""
    UNFINISHED = "unfinished"
    """Running or interrupted. The folder does not tell which."""
    NOT_STARTED = "not started"


_STATE_OF_FILE = {DONE_FILE: TrialState.DONE, FAILED_FILE: TrialState.FAILED, CONFIG_FILE: TrialState.UNFINISHED}
"""File in a trial's folder -> state. The first file that exists decides."""
_OUTCOME_FILES = {TrialState.DONE: DONE_FILE, TrialState.FAILED: FAILED_FILE}


@dataclass(frozen=True)
class StoredTrial:
    """One trial of a sweep, as its folder shows it."""

    folder: Place
    id: str
    label: str
    declared: bool
    """False if the sweep no longer declares the trial. Its folder still exists."""
    file_names: frozenset[str] | None = None
    """JSON files in its folder when an object store was listed. None on a file system, where each
    is looked up when needed."""

    @property
    def state(self) -> TrialState:
        """The trial's state, from its files."""
        return next((state for name, state in _STATE_OF_FILE.items() if self._has(name)), TrialState.NOT_STARTED)

    def _has(self, name: str) -> bool:
        return (self.folder / name).is_file() if self.file_names is None else name in self.file_names

    def outcome(self) -> dict[str, Any]:
        """Return the content of DONE.json or FAILED.json. In the other states, or if it is damaged, it is empty."""
        return self._outcome[0]

    @property
    def damage(self) -> str | None:
        """The damage of DONE.json or FAILED.json, with the way out, or None."""
        return self._outcome[1]

    @functools.cached_property
    def _outcome(self) -> tuple[dict[str, Any], str | None]:
        state = self.state
        try:
            return read_record(self.folder / _OUTCOME_FILES[state]) if state in _OUTCOME_FILES else {}, None
        except DamagedFileError as error:
            return {}, str(error)

    def config(self) -> Trial:
        """Read the settings of a trial that groups words.

        Raises ConfigError if they are missing, belong to another version or to another kind of trial, DamagedFileError if they are
        damaged, and OtherTrialError if they are those of another trial.
        """
        trial = self._settings
        if isinstance(trial, Pretraining):
            raise ConfigError(f"{self.folder}: trains a universal head (stage 1), not a grouping")
        if not isinstance(trial, Trial):
            raise ConfigError(f"{self.folder}: trains on scenes, not on words")
        if trial.grouping.is_cover:
            raise ConfigError(f"{self.folder}: trains group heads, not a grouping")
        return trial

    def bank_settings(self) -> Trial:
        """Read the settings of a bank of group heads. Raises ConfigError like ``config``."""
        trial = self._settings
        if not isinstance(trial, Trial) or not trial.grouping.is_cover:
            raise ConfigError(f"{self.folder}: trains no group heads: its grouping.method is not 'cover'")
        return trial

    def scene_settings(self) -> SceneTrial:
        """Read the settings of a trial on scenes. Raises ConfigError like ``config``."""
        trial = self._settings
        if isinstance(trial, Trial | Pretraining):
            raise ConfigError(f"{self.folder}: trains on words, so it has no detector")
        return trial

    def stage1_settings(self) -> Pretraining:
        """Read the settings of a trial of stage 1. Raises ConfigError like ``config``."""
        trial = self._settings
        if not isinstance(trial, Pretraining):
            raise ConfigError(f"{self.folder}: trains no universal head: it is no trial of stage 1")
        return trial

    @functools.cached_property
    def _settings(self) -> AnyTrial:
        """The settings, which are read once. A table asks for them several times."""
        path = self.folder / CONFIG_FILE
        stored = read_record(path)
        try:
            trial = any_trial_from_json(stored["trial"])
        except (ConfigError, TypeError) as error:
            raise ConfigError(f"{path}: {error}") from error
        require_own_settings(self.folder, path, stored["trial"], stored["data"])
        return trial

    def history(self) -> "History":
        """Read the trial's steps.

        Raises HistoryError with the way out if they are missing or damaged, and OtherTrialError if they are those of another trial.
        """
        from raygroup.history.reader import read_history

        sealed = self.folder / HISTORY_FILE
        try:
            history = read_history(self.folder)
        except HistoryError as error:
            raise HistoryError(with_remedy(sealed, str(error)) if self.state == TrialState.DONE else str(error)) from error
        if {"config", "data"} <= history.metadata.keys():
            require_own_settings(self.folder, sealed, history.metadata["config"], history.metadata["data"])
        return history


@dataclass(frozen=True)
class StoredSweep:
    """One sweep under a storage path."""

    folder: Place
    name: str
    hypothesis: str
    data: str
    """Fingerprint of the words and weights."""
    written_at: str
    """ISO time at which the sweep was declared."""
    caches: frozenset[str] | None
    """Names of the cache folders that the sweep reads. None if its file does not list them."""
    trials: tuple[StoredTrial, ...]
    """The declared trials in order, then those that the sweep no longer declares."""
    trains_on: str = GROUPINGS
    """``words`` if its trials group words, ``stage 1``, ``group heads``, or ``scenes``."""
    search: dict[str, Any] | None = None
    """Of a search, its seeds and every point that was asked, with the ids of its trials. None of any other sweep."""
    own_damage: str | None = None
    """The damage of ``sweep.json``, with the way out, or None. All trials that have a folder then count as declared."""

    @property
    def figures_folder(self) -> Path:
        """The folder for tables and pictures: the sweep's own, or ``./figures`` for a sweep on an object store."""
        return self.folder / FIGURES_FOLDER if isinstance(self.folder, Path) else Path(FIGURES_FOLDER)

    @property
    def trains_on_scenes(self) -> bool:
        """True if its trials train on scenes."""
        return self.trains_on == SCENES

    @property
    def learns_groupings(self) -> bool:
        """True if its trials group words, so that they have assignments and word scores."""
        return self.trains_on == GROUPINGS

    @property
    def damage(self) -> tuple[str, ...]:
        """One line for each damaged ``sweep.json``, ``DONE.json`` and ``FAILED.json``."""
        with ThreadPoolExecutor(_THREADS) as threads:
            lines = [self.own_damage, *threads.map(lambda trial: trial.damage, self.trials)]
        return tuple(line for line in lines if line is not None)

    def in_state(self, state: TrialState) -> tuple[StoredTrial, ...]:
        """Return the declared trials that are in this state."""
        return tuple(trial for trial in self.trials if trial.declared and trial.state == state)

    @property
    def finished(self) -> bool:
        """True if no declared trial is left to train, and a search has asked all its points. At least
        one trial must be done, the others may have failed."""
        if self.own_damage or (self.search and len(self.search["points"]) < self.search["num_points"]):
            return False
        states = {trial.state for trial in self.trials if trial.declared}
        return TrialState.DONE in states and states <= {TrialState.DONE, TrialState.FAILED}

    @property
    def finished_at(self) -> str:
        """ISO time at which the last trial was done. Empty if none is."""
        with ThreadPoolExecutor(_THREADS) as threads:
            outcomes = threads.map(StoredTrial.outcome, self.in_state(TrialState.DONE))
            return max((str(outcome.get("finished_at", "")) for outcome in outcomes), default="")


def read_sweeps(storage: Place) -> tuple[StoredSweep, ...]:
    """Read all sweeps under a storage path, the newest last.

    A sweep with a damaged ``sweep.json`` has the name of its folder. Raises ConfigError if the path is no folder, or if a sweep has
    another layout.
    """
    if not storage.is_dir():
        raise ConfigError(f"no storage path {storage}: name the folder of your sweeps, or make one with 'python -m raygroup.sweep'")
    sweeps = map(_read_sweep, storage.glob(f"*/{SWEEP_FILE}"))
    return tuple(sorted(sweeps, key=lambda sweep: (sweep.finished_at or sweep.written_at, sweep.name)))


def read_sweep(sweep_folder: Place) -> StoredSweep:
    """Return the sweep in a folder. Without a whole ``sweep.json``, its trials are those that have a folder."""
    return _read_sweep(sweep_folder / SWEEP_FILE)


def cache_folders(storage: Place) -> tuple[Place, ...]:
    """Return the cache folders: prepared words, features and weights. Other folders there are not ours."""
    patterns = [f"{prefix}*" for prefix in CACHE_PREFIXES]
    folders: list[Place] = [path for pattern in patterns for path in (storage / CACHE_FOLDER).glob(pattern) if path.is_dir()]
    return tuple(sorted(folders, key=str))


def is_done(trial_folder: Place) -> bool:
    """Return True if the trial is done."""
    return (trial_folder / DONE_FILE).is_file()


def done_ids(sweep_folder: Place) -> set[str]:
    """Return the ids of a sweep's finished trials. It lists the folder once."""
    if isinstance(sweep_folder, Remote):
        return {path.parent.name for path in sweep_folder.rglob(DONE_FILE)}
    try:
        return {entry.name for entry in os.scandir(sweep_folder) if os.path.exists(os.path.join(entry.path, DONE_FILE))}
    except (FileNotFoundError, NotADirectoryError):
        return set()


def _read_sweep(path: Place) -> StoredSweep:
    folder = path.parent
    files_of_trials = _list_json_files(folder)
    try:
        stored = read_record(path)
    except DamagedFileError as error:
        trials = tuple(_other_trials(folder, set(), files_of_trials, declared=True))
        return StoredSweep(folder, folder.name, "", "", "", None, trials, _trains_on(trials), own_damage=str(error))
    declared = []
    for entry in stored["trials"]:
        trial_id = _require_folder_name(path, entry["id"])
        declared.append(StoredTrial(folder / trial_id, trial_id, entry["label"], True, _files_of(files_of_trials, trial_id)))
    others = _other_trials(folder, {trial.id for trial in declared}, files_of_trials, declared=False)
    caches = frozenset(stored["caches"]) if "caches" in stored else None
    return StoredSweep(
        folder,
        stored["name"],
        stored["hypothesis"],
        stored["data"],
        stored["written_at"],
        caches,
        (*declared, *others),
        stored.get("trains_on", GROUPINGS),
        stored.get("search"),
    )


def _trains_on(trials: Sequence[StoredTrial]) -> str:
    """Return what the trials train on, by the first settings that can be read."""
    for config in (intact_record(trial.folder / CONFIG_FILE) for trial in trials):
        if config:
            settings = config.get("trial", {})
            kinds = {SCENES: "scenes" in config, STAGE_1: "head_steps" in settings, GROUP_HEADS: _is_bank(settings)}
            return next((kind for kind, is_so in kinds.items() if is_so), GROUPINGS)
    return GROUPINGS


def _is_bank(settings: Mapping[str, Any]) -> bool:
    """Return True if stored settings are those of a bank of group heads."""
    grouping = settings.get("grouping")
    return isinstance(grouping, dict) and grouping.get("method") == "cover"


def _list_json_files(sweep_folder: Place) -> Mapping[str, frozenset[str]] | None:
    """Return trial id -> names of its JSON files, from one listing. Return None on a file system,
    where a look-up costs nothing."""
    if isinstance(sweep_folder, Path):
        return None
    names_of_trials: dict[str, set[str]] = {}
    for path in sweep_folder.rglob("*.json"):
        if path.parent.parent == sweep_folder:
            names_of_trials.setdefault(path.parent.name, set()).add(path.name)
    return {trial_id: frozenset(names) for trial_id, names in names_of_trials.items()}


def _files_of(files_of_trials: Mapping[str, frozenset[str]] | None, trial_id: str) -> frozenset[str] | None:
    return None if files_of_trials is None else files_of_trials.get(trial_id, frozenset())


def _require_folder_name(path: Place, trial_id: str) -> str:
    """Return the id if it names a folder beside the file. ``runs clean`` deletes below that folder,
    so no id may lead elsewhere."""
    if not re.fullmatch(r"[\w-]+", trial_id):
        raise ConfigError(f"{path}: no trial can have the id {trial_id!r}")
    return trial_id


def _other_trials(
    folder: Place, declared_ids: set[str], files_of_trials: Mapping[str, frozenset[str]] | None, *, declared: bool
) -> Iterator[StoredTrial]:
    """Yield the trials that have a folder, but are not among those that ``sweep.json`` declares."""
    if files_of_trials is None:
        names = sorted(path.parent.name for path in folder.glob(f"*/{CONFIG_FILE}"))
    else:
        names = sorted(name for name, files in files_of_trials.items() if CONFIG_FILE in files)
    for name in [name for name in names if name not in declared_ids]:
        label = str(intact_record(folder / name / CONFIG_FILE).get("label", name))
        yield StoredTrial(folder / name, name, label, declared, _files_of(files_of_trials, name))
