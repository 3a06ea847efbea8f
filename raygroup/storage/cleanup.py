"""Find the files that a storage path no longer needs.

The history and the scores of a finished trial never count as such. Its trained heads do so only on
request.
"""

from collections.abc import Iterable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

from raygroup.files.atomic import PARTIAL_GLOB
from raygroup.files.places import Place, remove, size_of
from raygroup.history.reader import attempt_files, is_sealed
from raygroup.storage.checkpoint_index import checkpoint_files
from raygroup.storage.layout import STACKS_GLOB, TUNE_FOLDER, TUNE_LOG_FILE
from raygroup.storage.sweeps import StoredSweep, StoredTrial, TrialState, cache_folders, read_sweeps

_THREADS = 16
"""Trials to examine at the same time. An object store takes a while for each answer."""


@dataclass(frozen=True)
class Leftover:
    """A file or folder that may be deleted."""

    path: Place
    reason: str
    size: int
    """In bytes."""

    def remove(self) -> None:
        """Delete the file or folder. It is no error if it is gone already: a finishing trial
        deletes its own attempts."""
        remove(self.path)


def leftovers(storage: Place, *, include_caches: bool = False, include_heads: bool = False) -> list[Leftover]:
    """Return everything under a storage path that may be deleted.

    - Of a finished trial: all checkpoints but the last, attempts, half-written files, stacks of
      stalls.  - Of a failed trial: its folder.  - Of a finished sweep: the state and the log of Ray
      Tune.  - With ``include_caches``: caches that no unfinished sweep uses. With
      ``include_heads``: the last checkpoint of a finished trial.

    Unfinished trials keep everything, and so do those whose DONE.json or FAILED.json is damaged.
    Raises ConfigError if the storage path cannot be read.
    """
    sweeps = read_sweeps(storage)
    trials = [trial for sweep in sweeps for trial in sweep.trials]
    with ThreadPoolExecutor(_THREADS) as threads:
        lists = threads.map(lambda trial: list(_leftovers_of_trial(trial, include_heads)), trials)
        leftover_files = [leftover for leftovers_of_trial in lists for leftover in leftovers_of_trial]
    leftover_files += [leftover for sweep in sweeps if sweep.finished for leftover in _leftovers_of_tune(sweep)]
    if include_caches:
        unused = [path for path in cache_folders(storage) if not _is_in_use(path, sweeps)]
        leftover_files += [Leftover(path, "no unfinished sweep uses it", size_of(path)) for path in unused]
    return leftover_files


def _leftovers_of_trial(trial: StoredTrial, include_heads: bool) -> Iterator[Leftover]:
    state = trial.state
    if trial.damage:
        return  # to be looked at first, and perhaps to be trained again
    if state == TrialState.FAILED:
        yield Leftover(trial.folder, "failed trial", size_of(trial.folder))
    if state == TrialState.DONE:
        checkpoints = checkpoint_files(trial.folder)
        paths = [(path, "older checkpoint of a finished trial") for path in checkpoints[:-1]]
        if include_heads:
            paths += [(path, "trained heads of a finished trial") for path in checkpoints[-1:]]
        if (attempts := attempt_files(trial.folder)) and is_sealed(trial.folder):
            paths += [(path, "attempt of a sealed history") for path in attempts]
        paths += [(path, "half-written file") for path in _in_order(trial.folder.rglob(PARTIAL_GLOB))]
        paths += [(path, "stacks of a stall that was overcome") for path in _in_order(trial.folder.glob(STACKS_GLOB))]
        yield from (Leftover(path, reason, size_of(path)) for path, reason in paths if path.exists())


def _leftovers_of_tune(sweep: StoredSweep) -> Iterator[Leftover]:
    for name, reason in ((TUNE_FOLDER, "state of a scheduler"), (TUNE_LOG_FILE, "log of a scheduler")):
        if (sweep.folder / name).exists():
            yield Leftover(sweep.folder / name, f"{reason} of a finished sweep", size_of(sweep.folder / name))


def _in_order(paths: Iterable[Place]) -> list[Place]:
    return sorted(paths, key=str)


def _is_in_use(cache: Place, sweeps: tuple[StoredSweep, ...]) -> bool:
    """Return True if an unfinished sweep may read the cache folder. A sweep that does not list its
    caches may read each."""
    unfinished = [
        sweep for sweep in sweeps if sweep.own_damage or sweep.in_state(TrialState.UNFINISHED) or sweep.in_state(TrialState.NOT_STARTED)
    ]
    return any(sweep.caches is None or cache.name in sweep.caches for sweep in unfinished)
