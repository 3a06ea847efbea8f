"""What a storage path could do without: evidence and scores of finished trials are never among it, trained heads only on demand."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from raygroup.files.places import Place, remove, size_of
from raygroup.history.reader import SEALED, attempt_files
from raygroup.history.storage import DONE, FAILED, NOT_STARTED, UNFINISHED, StoredSweep, StoredTrial, caches, read_sweeps

CHECKPOINTS = "checkpoints"


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
    """Of finished trials: checkpoints but the last, attempts, half-written files; of failed ones: their folder. On demand also caches
    that no unfinished sweep uses, and last checkpoints. Unfinished trials are left alone. Raises ConfigError where the storage path
    cannot be read."""
    sweeps = read_sweeps(storage)
    found = [leftover for sweep in sweeps for trial in sweep.trials for leftover in _of_trial(trial, include_heads)]
    if include_caches:
        found += [Leftover(path, "no unfinished sweep uses it", size_of(path)) for path in caches(storage) if not _in_use(path, sweeps)]
    return found


def _of_trial(trial: StoredTrial, include_heads: bool) -> Iterator[Leftover]:
    if trial.state == FAILED:
        yield Leftover(trial.folder, "failed trial", size_of(trial.folder))
    if trial.state == DONE:
        checkpoints = _checkpoints(trial.folder)
        paths = [(path, "older checkpoint of a finished trial") for path in checkpoints[:-1]]
        if include_heads:
            paths += [(path, "trained heads of a finished trial") for path in checkpoints[-1:]]
        if (trial.folder / SEALED).is_file():
            paths += [(path, "attempt of a sealed history") for path in attempt_files(trial.folder)]
        halves: list[Place] = list(trial.folder.rglob("*.partial*"))
        paths += [(path, "half-written file") for path in sorted(halves, key=str)]
        yield from (Leftover(path, reason, size_of(path)) for path, reason in paths if path.exists())


def _checkpoints(trial_folder: Place) -> list[Place]:
    """By step."""
    numbered = [(re.fullmatch(r"step-(\d+)(?:-(\d+))?\.safetensors", path.name), path) for path in (trial_folder / CHECKPOINTS).glob("*")]
    ordered: list[tuple[tuple[int, int], Place]] = [((int(match[1]), int(match[2] or 0)), path) for match, path in numbered if match]
    return [path for _, path in sorted(ordered, key=lambda entry: entry[0])]


def _in_use(cache: Place, sweeps: tuple[StoredSweep, ...]) -> bool:
    """A sweep that does not say what it reads may read every cache."""
    unfinished = [sweep for sweep in sweeps if sweep.in_state(UNFINISHED) or sweep.in_state(NOT_STARTED)]
    return any(sweep.caches is None or cache.name in sweep.caches for sweep in unfinished)
