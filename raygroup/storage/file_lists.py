"""List the files of sweeps and caches to copy."""

import contextlib
import fnmatch
import os
from collections.abc import Collection, Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from raygroup.errors import ConfigError
from raygroup.files.atomic import PARTIAL_GLOB
from raygroup.files.places import Place
from raygroup.files.remote import Remote
from raygroup.storage.layout import (
    CACHE_FOLDER,
    CHECKPOINT_INDEX_FILE,
    CHECKPOINTS_FOLDER,
    DONE_FILE,
    HOLDER_FILE,
    WEIGHTS_PREFIX,
    checkpoint_number,
)
from raygroup.storage.sweeps import StoredSweep

_NEVER_COPIED = ("*.pkl", PARTIAL_GLOB, ".*", HOLDER_FILE)
"""Pickles (Python would execute them), half-written files and locks."""


@dataclass(frozen=True)
class StoredFile:
    """A file on a storage path."""

    name: PurePosixPath
    """Relative to the storage path."""
    size: int

    def matches(self, patterns: Iterable[str]) -> bool:
        return any(fnmatch.fnmatchcase(self.name.name, pattern) for pattern in patterns)


def list_sweep(source: Place, sweep: StoredSweep, checkpoints: str) -> list[StoredFile]:
    """Return the files of a sweep to copy. ``checkpoints`` is ``all``, ``last`` or ``none``.

    It lists the folder twice. A trial that is done in the first listing has all its files in the
    second, however long the listings take.
    """
    done = {file.name for file in _list_files(source, sweep.folder) if file.name.name == DONE_FILE}
    files = [file for file in _list_files(source, sweep.folder) if file.name.name != DONE_FILE or file.name in done]
    selected = _select_checkpoints(files, checkpoints)
    return [
        file for file in files if not file.matches(_NEVER_COPIED) and (CHECKPOINTS_FOLDER not in file.name.parts or file.name in selected)
    ]


def _select_checkpoints(files: Sequence[StoredFile], checkpoints: str) -> Collection[PurePosixPath]:
    """Return the checkpoints to copy, with the lists of their checksums."""
    if checkpoints == "none":
        return ()
    inside = [file.name for file in files if CHECKPOINTS_FOLDER in file.name.parts]
    if checkpoints == "all":
        return set(inside)
    numbered = [(number, name) for name in inside if (number := checkpoint_number(name.name))]
    last = {name.parent: name for _, name in sorted(numbered, key=lambda pair: pair[0])}
    return {*last.values(), *(name for name in inside if name.name == CHECKPOINT_INDEX_FILE)}


def list_caches(source: Place, sweeps: Sequence[StoredSweep]) -> list[StoredFile]:
    """Return the words, features and weights that these sweeps read.

    If a sweep does not list its caches, return all.
    """
    used = {name for sweep in sweeps for name in sweep.caches or ()}
    all_are_used = any(sweep.caches is None for sweep in sweeps)

    def is_used(file: StoredFile) -> bool:
        folder = file.name.parts[1]
        return len(file.name.parts) > 2 and (all_are_used or folder in used or folder.startswith(WEIGHTS_PREFIX))

    return [file for file in _list_files(source, source / CACHE_FOLDER) if is_used(file) and not file.matches(_NEVER_COPIED)]


def _list_files(source: Place, folder: Place) -> Iterator[StoredFile]:
    """List the files below a folder. Raises ConfigError if a name would lead out of the copy."""
    below = PurePosixPath(*folder.relative_to(source).parts)  # type: ignore[arg-type]
    for name, size in _list_store(folder) if isinstance(folder, Remote) else _list_folder(folder):
        if name.startswith("/") or ".." in (below / name).parts or "\0" in name:
            raise ConfigError(f"{folder}: the name {name!r} would lead out of the folder it is copied to; nothing was copied")
        yield StoredFile(below / name, size)


def _list_store(folder: Remote) -> Iterator[tuple[str, int]]:
    from pyarrow.fs import FileType

    for info in folder.infos(recursive=True):
        if info.type == FileType.File:
            yield info.path[len(folder.key) + 1 :], info.size


def _list_folder(folder: Path) -> Iterator[tuple[str, int]]:
    """List name and size of every file. Links are not followed, since their targets may lie outside
    the storage path."""
    for parent, _, names in os.walk(folder):
        for path in (Path(parent) / name for name in names):
            with contextlib.suppress(FileNotFoundError):
                if not path.is_symlink():
                    yield path.relative_to(folder).as_posix(), path.stat().st_size
