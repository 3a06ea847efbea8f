"""Copies of immutable files on this machine. A memory-mapped file must lie on a local disk,
wherever the storage path is."""

import contextlib
import fcntl
import hashlib
import os
import shutil
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write
from raygroup.files.places import Place, local_path, open_stream
from raygroup.files.remote import Remote

_BLOCK_BYTES = 8 << 20


def copies_folder() -> Path:
    """Return the folder of the copies.

    It is ``RAYGROUP_COPIES``, or else a folder of this user among the machine's temporary files.
    Raises ConfigError if that one belongs to another user, who could replace the copies.
    """
    configured = os.environ.get("RAYGROUP_COPIES")
    folder = local_path(configured) if configured else Path(tempfile.gettempdir()) / f"raygroup-copies-{os.getuid()}"
    folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not configured:
        _make_private(folder)
    return folder


def _make_private(folder: Path) -> None:
    status = folder.lstat()
    if status.st_uid != os.getuid() or not stat.S_ISDIR(status.st_mode):
        raise ConfigError(f"{folder} belongs to another user, or is a link: set RAYGROUP_COPIES to a folder of your own")
    if status.st_mode & (stat.S_IRWXG | stat.S_IRWXO):
        folder.chmod(stat.S_IRWXU)


def local_copy(path: Place) -> Path:
    """Return a local file as it is, a remote one as a local copy.

    The first process on this machine that needs the copy fetches it. The file must never change.
    Raises FileNotFoundError if there is no such remote file.
    """
    if isinstance(path, Path):
        return path
    return make_once(copy_path(path), lambda copy: fetch(path, copy))


def make_once(copy: Path, make: Callable[[Path], None]) -> Path:
    """Return a local file, which the first process that needs it makes. ``make`` must write it
    atomically."""
    if not copy.is_file():
        with exclusive_lock(copy.parent):
            if not copy.is_file():
                make(copy)
    return copy


def copy_path(path: Remote) -> Path:
    """Return the path of a remote file's local copy. The copy need not exist."""
    return copies_folder() / hashlib.sha256(str(path.parent).encode()).hexdigest()[:24] / path.name


def fetch(source: Place, target: Path) -> None:
    """Copy a file to this machine. It appears whole."""
    target.parent.mkdir(parents=True, exist_ok=True)
    with open_stream(source) as stream, atomic_write(target) as file:
        shutil.copyfileobj(stream, file, _BLOCK_BYTES)


def publish(source: Path, target: Place) -> None:
    """Copy a local file to an object store. It appears whole. A local target is the source itself,
    so nothing happens."""
    if isinstance(target, Path):
        return
    with source.open("rb") as file, target.filesystem.open_output_stream(target.key) as stream:
        shutil.copyfileobj(file, stream, _BLOCK_BYTES)


@contextlib.contextmanager
def exclusive_lock(folder: Path) -> Iterator[None]:
    """Let only one process of this machine run the block at a time."""
    folder.mkdir(parents=True, exist_ok=True)
    handle = os.open(folder / ".lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
