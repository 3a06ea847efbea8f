"""Files that appear whole or not at all: the one way raygroup writes under a storage path."""

import contextlib
import errno
import io
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from raygroup.errors import ConfigError
from raygroup.files.places import Place, Remote

LAYOUT = 1
"""Of the JSON files of a storage path; raised when their meaning changes."""


@contextlib.contextmanager
def whole(path: Place, *, safe: bool = True, lost: str = "") -> Iterator[IO[bytes]]:
    """A file to write, which appears under its name when the block ends without an error; with ``safe`` it then survives a power cut.

    Raises OSError naming the path; ``lost`` says in its message what the failure means.
    """
    try:
        with _to_object(path) if isinstance(path, Remote) else _to_file(path, safe) as file:
            yield file
    except OSError as error:
        if isinstance(error, FileExistsError | PermissionError) or error.filename == str(path):
            raise
        said = f"{error.strerror or error}" + (f": {lost}" if lost else "")
        raise OSError(error.errno or errno.EIO, said, str(path)) from error


def write_whole(path: Place, content: bytes, *, safe: bool = True, lost: str = "") -> None:
    """``whole`` for content that is there already."""
    with whole(path, safe=safe, lost=lost) as file:
        file.write(content)


def write_json(path: Place, content: dict[str, Any], *, safe: bool = True) -> None:
    """A JSON file of this layout."""
    write_whole(path, json.dumps({"layout": LAYOUT, **content}, ensure_ascii=False, indent=1).encode(), safe=safe)


def read_json(path: Place) -> dict[str, Any]:
    """A JSON file of this layout; raises ConfigError naming the file and, for another layout, the way out."""
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: not readable: {error}") from error
    layout = stored.get("layout") if isinstance(stored, dict) else None
    if layout != LAYOUT:
        raise ConfigError(
            f"{path}: layout {layout}, this raygroup reads {LAYOUT}: use the raygroup that wrote it, or another --storage-path"
        )
    return dict(stored)


def read_if_there(path: Place) -> dict[str, Any]:
    """``read_json``, or nothing where there is no such file, also where it goes while this looks."""
    try:
        return read_json(path)
    except ConfigError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            return {}
        raise


def sync_folder(folder: Path) -> None:
    """Makes a new name in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _to_file(path: Path, safe: bool) -> Iterator[IO[bytes]]:
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}-{uuid.uuid4().hex[:6]}")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            if safe:
                os.fsync(file.fileno())
        os.replace(partial, path)
        if safe:
            sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _to_object(path: Remote) -> Iterator[IO[bytes]]:
    """Gathered in memory, then one PUT (or one upload in parts that is completed at its end): a store shows either all of it or nothing."""
    with io.BytesIO() as gathered:
        yield gathered
        with path.files.open_output_stream(path.key) as stream:
            stream.write(gathered.getbuffer())
