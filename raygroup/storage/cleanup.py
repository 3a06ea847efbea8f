"""What a storage path could do without: evidence and scores of finished trials are never among it, trained heads only on demand."""

import re
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from raygroup.files.places import Place, Remote, remove, size_of
from raygroup.history.reader import SEALED, attempt_files
from raygroup.storage.sweeps import DONE, FAILED, NOT_STARTED, UNFINISHED, StoredSweep, StoredTrial, caches, read_sweeps

CHECKPOINTS = "checkpoints"
_AT_ONCE = 16
"""Trials looked at together: an object store takes a while for each answer."""


@dataclass(frozen=True)
class Leftover:
    """A file or folder that may go."""

    path: Place
    reason: str
    size: int
    """Bytes."""

    def remove(self) -> None:
        """Deletes it; what has gone in the meantime, as a finishing trial removes its own attempts, is no error."""
        remove(self.path)


def leftovers(storage: Place, *, include_caches: bool = False, include_heads: bool = False) -> list[Leftover]:
    """Of finished trials: checkpoints but the last, attempts, half-written files, stacks of stalls; of failed ones: their folder; of
    finished sweeps: what schedulers left. On demand also caches that no unfinished sweep uses, and last checkpoints. Unfinished trials
    are left alone. Raises ConfigError where the storage path cannot be read."""
    sweeps = read_sweeps(storage)
    with ThreadPoolExecutor(_AT_ONCE) as lookers:
        of_trials = lookers.map(lambda trial: list(_of_trial(trial, include_heads)), [trial for sweep in sweeps for trial in sweep.trials])
        found = [leftover for of_trial in of_trials for leftover in of_trial]
    found += [leftover for sweep in sweeps if sweep.finished for leftover in _of_schedulers(sweep)]
    if include_caches:
        found += [Leftover(path, "no unfinished sweep uses it", size_of(path)) for path in caches(storage) if not _in_use(path, sweeps)]
    return found


def checkpoint_number(name: str) -> tuple[int, int] | None:
    """Step and attempt in the name of a checkpoint; None for a file that is none."""
    match = re.fullmatch(r"step-(\d+)(?:-(\d+))?\.safetensors", name)
    return (int(match[1]), int(match[2] or 0)) if match else None


def _of_trial(trial: StoredTrial, include_heads: bool) -> Iterator[Leftover]:
    state = trial.state
    if state == FAILED:
        yield Leftover(trial.folder, "failed trial", size_of(trial.folder))
    if state == DONE:
        checkpoints = _checkpoints(trial.folder)
        paths = [(path, "older checkpoint of a finished trial") for path in checkpoints[:-1]]
        if include_heads:
            paths += [(path, "trained heads of a finished trial") for path in checkpoints[-1:]]
        if (trial.folder / SEALED).is_file():
            paths += [(path, "attempt of a sealed history") for path in attempt_files(trial.folder)]
        paths += [(path, "half-written file") for path in _ordered(trial.folder.rglob("*.partial*"))]
        paths += [(path, "stacks of a stall that was overcome") for path in _ordered(trial.folder.glob("stalled-*.txt"))]
        yield from (Leftover(path, reason, size_of(path)) for path, reason in paths if path.exists())


def _of_schedulers(sweep: StoredSweep) -> Iterator[Leftover]:
    """Tune's state of earlier versions, which nothing reads, and what it printed."""
    for name, reason in (("tune", "state of a scheduler"), ("tune.log", "log of a scheduler")):
        if (sweep.folder / name).exists():
            yield Leftover(sweep.folder / name, f"{reason} of a finished sweep", size_of(sweep.folder / name))


def _ordered(paths: Iterator[Path] | Iterator[Remote]) -> list[Place]:
    found: list[Place] = list(paths)
    return sorted(found, key=str)


def _checkpoints(trial_folder: Place) -> list[Place]:
    """By step."""
    found = _ordered((trial_folder / CHECKPOINTS).glob("*"))
    return sorted((path for path in found if checkpoint_number(path.name)), key=lambda path: checkpoint_number(path.name) or (0, 0))


def _in_use(cache: Place, sweeps: tuple[StoredSweep, ...]) -> bool:
    """A sweep that does not say what it reads may read every cache."""
    unfinished = [sweep for sweep in sweeps if sweep.in_state(UNFINISHED) or sweep.in_state(NOT_STARTED)]
    return any(sweep.caches is None or cache.name in sweep.caches for sweep in unfinished)
