"""Copy sweeps from a storage path to a folder of this machine. It may be repeated while they run.

The copy is a storage path of its own. A file whose name stands for fixed content is copied once.
Files that tell how far a trial is, and a history that still grows, are copied every time. A trial's
``DONE.json`` comes last, after everything that it vouches for.
"""

from collections.abc import Callable, Collection, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.local_copies import fetch
from raygroup.files.places import Place
from raygroup.storage.file_lists import StoredFile, list_caches, list_sweep
from raygroup.storage.layout import (
    ATTEMPT_STREAMS_GLOB,
    ATTEMPTS_GLOB,
    CONFIG_FILE,
    DONE_FILE,
    FAILED_FILE,
    HISTORY_FOLDER,
    STOP_FILE,
)
from raygroup.storage.sweeps import read_sweeps

_CHANGING = ("*.json", ATTEMPT_STREAMS_GLOB)
"""Files whose content may change while their size stays."""
_TEMPORARY = (FAILED_FILE, STOP_FILE, f"{HISTORY_FOLDER}/{ATTEMPTS_GLOB}")
"""Files that a trial or sweep may lose again. The copy then loses them too."""
_THREADS = 16

ProgressCallback = Callable[[int, int], None]
"""Called with (bytes copied so far, bytes to copy)."""


@dataclass(frozen=True)
class PullResult:
    """The number of files that were copied, and that were not."""

    num_copied: int
    copied_bytes: int
    num_present: int
    """Files that the copy had already."""


def pull(
    source: Place, target: Path, *, sweep: str | None = None, checkpoints: str = "none", include_caches: bool = False,
    on_progress: ProgressCallback = lambda copied_bytes, total_bytes: None,
) -> PullResult:  # fmt: skip
    """Copy every sweep, or the one with this name. Each file appears whole.

    ``checkpoints`` is "none", "last" (of each trial) or "all". Raises ConfigError before anything
    is copied if the sweep does not exist, or if a name would lead out of ``target``. Raises OSError
    if the store fails; the same call then continues.
    """
    sweeps = [stored for stored in read_sweeps(source) if sweep in (None, stored.name)]
    if not sweeps:
        raise ConfigError(f"no sweep{f' {sweep!r}' if sweep else ''} in {source}")
    if isinstance(source, Path) and source.resolve() == target.resolve():
        raise ConfigError(f"{target} is the storage path itself: name another folder to copy it to")
    files_of_sweeps = [list_sweep(source, stored, checkpoints) for stored in sweeps]
    files = [file for files_of_sweep in files_of_sweeps for file in files_of_sweep]
    if include_caches:
        files += list_caches(source, sweeps)
    due = [file for file in files if not _is_present(file, target)]
    copies = _Copies(sum(file.size for file in due), on_progress)
    # DONE.json last: an interrupted copy must have no trial that only seems done.
    _copy_all(source, target, [file for file in due if file.name.name != DONE_FILE], copies)
    _copy_all(source, target, [file for file in due if file.name.name == DONE_FILE], copies)
    for stored, files_of_sweep in zip(sweeps, files_of_sweeps, strict=True):
        _remove_stale(target / stored.folder.name, {target / file.name for file in files_of_sweep})
    return PullResult(copies.num_files, copies.num_bytes, len(files) - len(due))


def _is_present(file: StoredFile, target: Path) -> bool:
    if file.matches(_CHANGING):
        return False
    try:
        return (target / file.name).stat().st_size == file.size
    except (FileNotFoundError, NotADirectoryError):
        return False


class _Copies:
    """Counts files and bytes as they are copied. Only the thread that waits for the copies uses
    it."""

    def __init__(self, total_bytes: int, on_progress: ProgressCallback) -> None:
        self.total_bytes, self.on_progress = total_bytes, on_progress
        self.num_files = self.num_bytes = 0

    def add(self, size: int | None) -> None:
        self.num_files += size is not None
        self.num_bytes += size or 0
        self.on_progress(self.num_bytes, self.total_bytes)


def _copy_all(source: Place, target: Path, files: Sequence[StoredFile], copies: _Copies) -> None:
    pool = ThreadPoolExecutor(_THREADS)
    try:
        for size in pool.map(lambda file: _copy(source / file.name, target / file.name), files):
            copies.add(size)
    finally:
        pool.shutdown(cancel_futures=True)


def _copy(source: Place, target: Path) -> int | None:
    """Copy a file and return its bytes. Return None if it is gone since it was listed: a finishing
    trial removes its attempts."""
    try:
        fetch(source, target)
    except FileNotFoundError:
        return None
    return target.stat().st_size


def _remove_stale(sweep_folder: Path, listed: Collection[Path]) -> None:
    """Remove from the copy what the sweep has no longer.

    Only in trials that the source has, so that one folder can hold the copies of several storage
    paths.
    """
    trials = {path.parent for path in listed if path.name == CONFIG_FILE}
    for folder in (sweep_folder, *trials):
        for path in [path for pattern in _TEMPORARY for path in folder.glob(pattern) if path not in listed]:
            path.unlink(missing_ok=True)
