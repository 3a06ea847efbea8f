"""What a storage path could do without: evidence and scores of finished trials are never among it."""

import shutil
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from raygroup.history.reader import FOLDER, SEALED
from raygroup.history.storage import DONE, FAILED, NOT_STARTED, UNFINISHED, StoredSweep, StoredTrial, caches, read_sweeps, size_of


@dataclass(frozen=True)
class Leftover:
    """A file or folder that may go."""

    path: Path
    reason: str
    size: int
    """Bytes."""

    def remove(self) -> None:
        """Deletes it; what has gone in the meantime, as a finishing trial removes its own attempts, is no error."""
        if self.path.is_dir():
            shutil.rmtree(self.path)
        else:
            self.path.unlink(missing_ok=True)


def leftovers(storage: Path, *, include_caches: bool = False) -> list[Leftover]:
    """Checkpoints, attempts and half-written files of finished trials, whole folders of failed ones, and on demand caches that no
    unfinished sweep uses. Unfinished trials are left alone. Raises ConfigError where the storage path cannot be read."""
    sweeps = read_sweeps(storage)
    found = [leftover for sweep in sweeps for trial in sweep.trials for leftover in _of_trial(trial)]
    if include_caches:
        found += [Leftover(path, "no unfinished sweep uses it", size_of(path)) for path in caches(storage) if not _in_use(path, sweeps)]
    return found


def _of_trial(trial: StoredTrial) -> Iterator[Leftover]:
    if trial.state == FAILED:
        yield Leftover(trial.folder, "failed trial", size_of(trial.folder))
    if trial.state == DONE:
        paths = [(trial.folder / "checkpoints", "checkpoints of a finished trial")]
        if (trial.folder / SEALED).is_file():
            paths += [(path, "attempt of a sealed history") for path in sorted((trial.folder / FOLDER).glob("*.arrows"))]
        paths += [(path, "half-written file") for path in sorted(trial.folder.glob("*.partial-*"))]
        yield from (Leftover(path, reason, size_of(path)) for path, reason in paths if path.exists())


def _in_use(cache: Path, sweeps: tuple[StoredSweep, ...]) -> bool:
    """A sweep that does not say what it reads may read every cache."""
    unfinished = [sweep for sweep in sweeps if sweep.in_state(UNFINISHED) or sweep.in_state(NOT_STARTED)]
    return any(sweep.caches is None or cache.name in sweep.caches for sweep in unfinished)
