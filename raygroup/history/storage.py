"""What lies under a storage path: sweeps, their trials and how far those are, caches. Reads only; the runtime writes."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from raygroup.config import ConfigError, Trial, from_json
from raygroup.files.places import Place
from raygroup.files.whole import read_json

CACHE = "cache"

DONE = "done"
FAILED = "failed"
UNFINISHED = "unfinished"
NOT_STARTED = "not started"


@dataclass(frozen=True)
class StoredTrial:
    """A trial of a sweep as its folder shows it."""

    folder: Place
    id: str
    label: str
    declared: bool
    """False for a trial that the sweep held once and no longer does: its folder is still there."""

    @property
    def state(self) -> str:
        """DONE, FAILED (for good), UNFINISHED (running or interrupted: no reader can tell) or NOT_STARTED."""
        if (self.folder / "DONE.json").is_file():
            return DONE
        if (self.folder / "FAILED.json").is_file():
            return FAILED
        return UNFINISHED if (self.folder / "config.json").is_file() else NOT_STARTED

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
        return max((str(trial.outcome().get("finished_at", "")) for trial in self.in_state(DONE)), default="")


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
    declared = [StoredTrial(path.parent / _name(path, entry["id"]), entry["id"], entry["label"], True) for entry in stored["trials"]]
    others = _undeclared(path.parent, {trial.id for trial in declared})
    used = frozenset(stored["caches"]) if "caches" in stored else None
    return StoredSweep(path.parent, stored["name"], stored["hypothesis"], stored["data"], stored["written_at"], used, (*declared, *others))


def _name(path: Place, trial_id: str) -> str:
    """The id, if it names a folder beside the file: ``clean`` deletes below it."""
    if not re.fullmatch(r"[\w-]+", trial_id):
        raise ConfigError(f"{path}: no trial can have the id {trial_id!r}")
    return trial_id


def _undeclared(folder: Place, known: set[str]) -> Iterator[StoredTrial]:
    paths: list[Place] = list(folder.glob("*/config.json"))
    for path in sorted(paths, key=str):
        if path.parent.name not in known:
            yield StoredTrial(path.parent, path.parent.name, str(read_json(path).get("label", "")), False)
