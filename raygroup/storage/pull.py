"""Copies sweeps from a storage path to a folder of this machine, again and again while they run: what is there already stays.

A copy is a storage path like any other. What lies in a trial under a name that never changes its content is copied once; what says how far
a trial is, and a history that grows, is copied every time; a trial's ``DONE.json`` comes after everything it vouches for.
"""

import contextlib
import fnmatch
import os
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from raygroup.errors import ConfigError
from raygroup.files.local_copies import fetch
from raygroup.files.places import Place, Remote
from raygroup.history.reader import FOLDER
from raygroup.storage.cleanup import CHECKPOINTS, checkpoint_number
from raygroup.storage.sweeps import CACHE, StoredSweep, read_sweeps

DONE = "DONE.json"
_REFRESHED = ("*.json", "attempt-*.arrows")
"""Files whose content may change while their size stays."""
_NOT_OURS = ("*.pkl", "*.partial*", ".*", "holder.json")
"""Nothing that Python would run, nothing half-written, no locks."""
_GOING = ("FAILED.json", "STOP.json", f"{FOLDER}/*.arrows")
"""What a trial or sweep may have no longer: the copy loses it too."""
_AT_ONCE = 16

Told = Callable[[int, int], None]
"""(bytes copied so far, bytes to copy)."""


@dataclass(frozen=True)
class Pulled:
    """What became of the files."""

    copied: int
    bytes: int
    kept: int
    """There already."""


@dataclass(frozen=True)
class _File:
    name: PurePosixPath
    """Below the storage path."""
    size: int

    def like(self, patterns: Iterable[str]) -> bool:
        return any(fnmatch.fnmatchcase(self.name.name, pattern) for pattern in patterns)


def pull(
    source: Place, target: Path, *, sweep: str | None = None, checkpoints: str = "none", include_caches: bool = False,
    told: Told = lambda copied, to_copy: None,
) -> Pulled:  # fmt: skip
    """Copies every sweep, or the one named, each file appearing whole; ``checkpoints``: none, the last of each trial, or all.

    Raises ConfigError, before anything is copied, for a sweep that is not there and for a name that would lead out of ``target``; OSError
    where the store fails, after which the same call goes on.
    """
    sweeps = [stored for stored in read_sweeps(source) if sweep in (None, stored.name)]
    if not sweeps:
        raise ConfigError(f"no sweep{f' {sweep!r}' if sweep else ''} in {source}")
    if isinstance(source, Path) and source.resolve() == target.resolve():
        raise ConfigError(f"{target} is the storage path itself: name another folder to copy it to")
    listed = [_of_sweep(source, stored, checkpoints) for stored in sweeps]
    files = [file for of_sweep in listed for file in of_sweep]
    if include_caches:
        files += _of_caches(source, sweeps)
    due = [file for file in files if not _is_there(file, target)]
    done = [file for file in due if file.name.name == DONE]
    others = [file for file in due if file.name.name != DONE]
    copied = _Progress(sum(file.size for file in due), told)
    for batch in (others, done):
        _copy_all(source, target, batch, copied)
    for stored, of_sweep in zip(sweeps, listed, strict=True):
        _forget(target / stored.folder.name, {target / file.name for file in of_sweep})
    return Pulled(copied.files, copied.bytes, len(files) - len(due))


def _of_sweep(source: Place, sweep: StoredSweep, checkpoints: str) -> list[_File]:
    """Two looks: a trial that is done at the first has all its files at the second, however long the looks take."""
    done = {file.name for file in _listed(source, sweep.folder) if file.name.name == DONE}
    files = [file for file in _listed(source, sweep.folder) if file.name.name != DONE or file.name in done]
    wanted = _chosen(files, checkpoints)
    return [file for file in files if not file.like(_NOT_OURS) and (CHECKPOINTS not in file.name.parts or file.name in wanted)]


def _chosen(files: Sequence[_File], checkpoints: str) -> Collection[PurePosixPath]:
    """The checkpoints to copy, with the lists of their checksums."""
    if checkpoints == "none":
        return ()
    inside = [file.name for file in files if CHECKPOINTS in file.name.parts]
    if checkpoints == "all":
        return set(inside)
    last: dict[PurePosixPath, PurePosixPath] = {}
    for name in sorted((name for name in inside if checkpoint_number(name.name)), key=lambda name: checkpoint_number(name.name) or (0, 0)):
        last[name.parent] = name
    return {*last.values(), *(name for name in inside if name.name == "state.json")}


def _of_caches(source: Place, sweeps: Sequence[StoredSweep]) -> list[_File]:
    """Words, features and weights that these sweeps read; all there are where one does not say what it reads."""
    named = {name for sweep in sweeps for name in sweep.caches or ()}
    every = any(sweep.caches is None for sweep in sweeps)

    def used(file: _File) -> bool:
        folder = file.name.parts[1]
        return len(file.name.parts) > 2 and (every or folder in named or folder.startswith("weights-"))

    return [file for file in _listed(source, source / CACHE) if used(file) and not file.like(_NOT_OURS)]


def _listed(source: Place, folder: Place) -> Iterator[_File]:
    """The files below a folder; raises ConfigError for a name that would lead out of a copy."""
    found = _in_store(folder) if isinstance(folder, Remote) else _in_folder(folder)
    below = PurePosixPath(*folder.relative_to(source).parts)  # type: ignore[arg-type]
    for name, size in found:
        if name.startswith("/") or ".." in (below / name).parts or "\0" in name:
            raise ConfigError(f"{folder}: the name {name!r} would lead out of the folder it is copied to; nothing was copied")
        yield _File(below / name, size)


def _in_store(folder: Remote) -> Iterator[tuple[str, int]]:
    from pyarrow.fs import FileType

    for info in folder.listed(recursive=True):
        if info.type == FileType.File:
            yield info.path[len(folder.key) + 1 :], info.size


def _in_folder(folder: Path) -> Iterator[tuple[str, int]]:
    """Links are not followed: what they lead to is not in the storage path."""
    for where, _, names in os.walk(folder):
        for path in (Path(where) / name for name in names):
            with contextlib.suppress(FileNotFoundError):
                if not path.is_symlink():
                    yield path.relative_to(folder).as_posix(), path.stat().st_size


def _is_there(file: _File, target: Path) -> bool:
    if file.like(_REFRESHED):
        return False
    try:
        return (target / file.name).stat().st_size == file.size
    except (FileNotFoundError, NotADirectoryError):
        return False


class _Progress:
    """What was copied so far; told from the thread that waits for the copies."""

    def __init__(self, to_copy: int, told: Told) -> None:
        self.to_copy, self.told, self.files, self.bytes = to_copy, told, 0, 0

    def add(self, size: int | None) -> None:
        self.files, self.bytes = self.files + (size is not None), self.bytes + (size or 0)
        self.told(self.bytes, self.to_copy)


def _copy_all(source: Place, target: Path, files: Sequence[_File], copied: _Progress) -> None:
    pool = ThreadPoolExecutor(_AT_ONCE)
    try:
        for size in pool.map(lambda file: _copy(source / file.name, target / file.name), files):
            copied.add(size)
    finally:
        pool.shutdown(cancel_futures=True)


def _copy(source: Place, target: Path) -> int | None:
    """Bytes of the copy; None for a file that went since it was listed, as a finishing trial removes its attempts."""
    try:
        fetch(source, target)
    except FileNotFoundError:
        return None
    return target.stat().st_size


def _forget(folder: Path, there: Collection[Path]) -> None:
    """Removes from the copy of a sweep what it has no longer; only in trials that the source has, so that copies of several add up."""
    trials = {path.parent for path in there if path.name == "config.json"}
    for place in (folder, *trials):
        for path in [path for pattern in _GOING for path in place.glob(pattern) if path not in there]:
            path.unlink(missing_ok=True)
