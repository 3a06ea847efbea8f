"""Copies of immutable files on this machine: what is memory-mapped must lie on a disk here, wherever the storage path is."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from raygroup.files.atomic import whole
from raygroup.files.places import Place, Remote, opened

_BLOCK = 8 << 20


def local_copies() -> Path:
    """Where copies lie: ``RAYGROUP_COPIES``, or a folder of this user among the machine's temporary files."""
    named = os.environ.get("RAYGROUP_COPIES")
    folder = Path(named) if named else Path(tempfile.gettempdir()) / f"raygroup-copies-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    return folder


def localised(path: Place) -> Path:
    """The file itself, or its copy, fetched once by whichever process of this machine needs it first; the file must never change.

    Raises FileNotFoundError where there is none.
    """
    if isinstance(path, Path):
        return path
    return made_once(copy_of(path), lambda copy: fetch(path, copy))


def made_once(copy: Path, make: Callable[[Path], None]) -> Path:
    """A file of this machine, made by whichever process needs it first; ``make`` must have it appear whole."""
    if not copy.is_file():
        with alone(copy.parent):
            if not copy.is_file():
                make(copy)
    return copy


def copy_of(path: Remote) -> Path:
    """Where the copy of a remote file lies, or will."""
    return local_copies() / hashlib.sha256(str(path.parent).encode()).hexdigest()[:24] / path.name


def fetch(source: Place, target: Path) -> None:
    """Copies a file to this machine; it appears whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with opened(source) as stream, whole(target) as file:
        shutil.copyfileobj(stream, file, _BLOCK)


def publish(source: Path, target: Place) -> None:
    """Copies a local file to where it shall be read from; it appears whole. Nothing where it lies there already."""
    if isinstance(target, Path):
        return
    with source.open("rb") as file, target.files.open_output_stream(target.key) as stream:
        shutil.copyfileobj(file, stream, _BLOCK)


@contextlib.contextmanager
def alone(folder: Path) -> Iterator[None]:
    """One process of this machine at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
