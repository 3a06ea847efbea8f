"""What lies under a storage path: sweeps, their trials and how far those are, caches. Reads only; the runtime writes."""

import re
from collections.abc import Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.config import Trial, from_json
from raygroup.errors import ConfigError
from raygroup.files.atomic import read_json
from raygroup.files.places import Place

CACHE = "cache"

DONE = "done"
FAILED = "failed"
UNFINISHED = "unfinished"
NOT_STARTED = "not started"
_MARKS = {"DONE.json": DONE, "FAILED.json": FAILED, "config.json": UNFINISHED}
_THREADS = 16


@dataclass(frozen=True)
class StoredTrial:
    """A trial of a sweep as its folder shows it."""

    folder: Place
    id: str
    label: str
    declared: bool
    """False for a trial that the sweep held once and no longer does: its folder is still there."""
    seen: frozenset[str] | None = None
    """Names in its folder when the sweep was listed, on an object store; None where the folder is asked each time."""

    @property
    def state(self) -> str:
        """DONE, FAILED (for good), UNFINISHED (running or interrupted: no reader can tell) or NOT_STARTED."""
        return next((state for name, state in _MARKS.items() if self._has(name)), NOT_STARTED)

    def _has(self, name: str) -> bool:
        return (self.folder / name).is_file() if self.seen is None else name in self.seen

    def outcome(self) -> dict[str, Any]:
        """What DONE.json or FAILED.json says; empty for the other states."""
        names = {DONE: "DONE.json", FAILED: "FAILED.json"}
        return read_json(self.folder / names[self.state]) if self.state in names else {}

    def config(self) -> Trial:
        """The settings; raises ConfigError where they are of another version, or not written yet."""
        path = self.folder / "config.json"
        try:
            return from_json(read_json(path)["trial"])
        except (ConfigError, KeyError) as error:
            raise ConfigError(f"{path}: {error}") from error


@dataclass(frozen=True)
class StoredSweep:
    """A sweep under a storage path; trials in the order they were declared, then those it no longer declares."""

    folder: Place
    name: str
    hypothesis: str
    data: str
    """Fingerprint of the words and weights."""
    written_at: str
    """ISO time at which the sweep was declared."""
    caches: frozenset[str] | None
    """Folders under ``cache/`` it reads; None where it does not say."""
    trials: tuple[StoredTrial, ...]

    def in_state(self, state: str) -> tuple[StoredTrial, ...]:
        """The declared trials in a state."""
        return tuple(trial for trial in self.trials if trial.declared and trial.state == state)

    @property
    def finished(self) -> bool:
        """Whether nothing is left to train: every declared trial is done or has failed for good, and one at least is done."""
        return bool(self.in_state(DONE)) and not self.in_state(UNFINISHED) and not self.in_state(NOT_STARTED)

    @property
    def finished_at(self) -> str:
        """ISO time at which the last trial was done; empty where none is."""
        with ThreadPoolExecutor(_THREADS) as threads:
            outcomes = threads.map(StoredTrial.outcome, self.in_state(DONE))
            return max((str(outcome.get("finished_at", "")) for outcome in outcomes), default="")


def read_sweeps(storage: Place) -> tuple[StoredSweep, ...]:
    """The sweeps under a storage path, the newest last; raises ConfigError where there is no such folder or one has another layout."""
    if not storage.is_dir():
        raise ConfigError(f"no storage path {storage}: name the folder of your sweeps, or make one with 'python -m raygroup.sweep'")
    return tuple(sorted(map(_sweep, storage.glob("*/sweep.json")), key=lambda sweep: (sweep.finished_at or sweep.written_at, sweep.name)))


def caches(storage: Place) -> tuple[Place, ...]:
    """The folders of prepared words and features."""
    found: list[Place] = [path for path in (storage / CACHE).glob("*") if path.is_dir()]
    return tuple(sorted(found, key=str))


def _sweep(path: Place) -> StoredSweep:
    stored = read_json(path)
    seen = _listed(path.parent)
    declared = [
        StoredTrial(path.parent / _name(path, entry["id"]), entry["id"], entry["label"], True, _seen(seen, entry["id"]))
        for entry in stored["trials"]
    ]
    others = _undeclared(path.parent, {trial.id for trial in declared}, seen)
    used = frozenset(stored["caches"]) if "caches" in stored else None
    return StoredSweep(path.parent, stored["name"], stored["hypothesis"], stored["data"], stored["written_at"], used, (*declared, *others))


def _listed(sweep_folder: Place) -> Mapping[str, frozenset[str]] | None:
    """Trial id -> names of its JSON files, from one listing; None on a file system, where asking for a name costs nothing."""
    if isinstance(sweep_folder, Path):
        return None
    found: dict[str, set[str]] = {}
    for path in sweep_folder.rglob("*.json"):
        if path.parent.parent == sweep_folder:
            found.setdefault(path.parent.name, set()).add(path.name)
    return {trial: frozenset(names) for trial, names in found.items()}


def _seen(listed: Mapping[str, frozenset[str]] | None, trial: str) -> frozenset[str] | None:
    return None if listed is None else listed.get(trial, frozenset())


def _name(path: Place, trial_id: str) -> str:
    """The id, if it names a folder beside the file: ``clean`` deletes below it."""
    if not re.fullmatch(r"[\w-]+", trial_id):
        raise ConfigError(f"{path}: no trial can have the id {trial_id!r}")
    return trial_id


def _undeclared(folder: Place, known: set[str], listed: Mapping[str, frozenset[str]] | None) -> Iterator[StoredTrial]:
    if listed is None:
        names = sorted(path.parent.name for path in folder.glob("*/config.json"))
    else:
        names = sorted(name for name, files in listed.items() if "config.json" in files)
    for name in [name for name in names if name not in known]:
        yield StoredTrial(folder / name, name, str(read_json(folder / name / "config.json").get("label", "")), False, _seen(listed, name))
