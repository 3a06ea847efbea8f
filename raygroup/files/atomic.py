"""Atomic writes: a file appears whole or not at all. raygroup writes under a storage path in no
other way."""

import contextlib
import errno
import io
import json
import os
import uuid
from collections.abc import Iterator
from pathlib import Path
from typing import IO, Any

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.places import Place
from raygroup.files.remote import Remote
from raygroup.files.retry import is_permanent

JSON_LAYOUT = 1
"""Version of the JSON files on a storage path. It is raised when their meaning changes."""
PARTIAL_GLOB = "*.partial*"
"""Names of half-written files, which a killed process leaves behind."""


@contextlib.contextmanager
def atomic_write(path: Place, *, durable: bool = True, consequence: str = "") -> Iterator[IO[bytes]]:
    """Open a file that appears at ``path`` once it is complete.

    That is when the block ends without an error.

    If ``durable``, the file then survives a power cut. Raises OSError that names the path;
    ``consequence`` adds to the message what the failure means.
    """
    try:
        with _write_object(path) if isinstance(path, Remote) else _write_file(path, durable) as file:
            yield file
    except OSError as error:
        is_of_another_file = error.filename is not None and not str(error.filename).startswith((str(path), str(path.parent)))
        if isinstance(error, FileExistsError | PermissionError) or error.filename == str(path) or is_of_another_file:
            raise
        message = f"{error.strerror or error}" + (f": {consequence}" if consequence else "")
        raise OSError(error.errno or errno.EIO, message, str(path)) from error


def write_bytes(path: Place, content: bytes, *, durable: bool = True) -> None:
    """Write a file atomically."""
    with atomic_write(path, durable=durable) as file:
        file.write(content)


def write_json(path: Place, content: dict[str, Any], *, durable: bool = True) -> None:
    """Write a JSON file of the current layout atomically."""
    write_bytes(path, json.dumps({"layout": JSON_LAYOUT, **content}, ensure_ascii=False, indent=1).encode(), durable=durable)


def read_json(path: Place) -> dict[str, Any]:
    """Read a JSON file of the current layout.

    Raises OSError if storage fails, ConfigError that names the file if it is not there or has another layout, and DamagedFileError if it
    is no JSON object.
    """
    try:
        stored = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        if not is_permanent(error):
            raise OSError(error.errno or errno.EIO, error.strerror or str(error), str(path)) from error
        raise ConfigError(f"{path}: not readable: {error}") from error
    except (ValueError, RecursionError) as error:
        raise DamagedFileError(f"{path}: not readable: {error}") from error
    if not isinstance(stored, dict) or not isinstance(layout := stored.get("layout"), int):
        raise DamagedFileError(f"{path}: damaged: it is no JSON object with a layout")
    if layout != JSON_LAYOUT:
        raise ConfigError(
            f"{path}: layout {layout}, this raygroup reads {JSON_LAYOUT}: use the raygroup that wrote it, or another --storage-path"
        )
    return dict(stored)


def read_json_if_exists(path: Place) -> dict[str, Any]:
    """Read a JSON file, or return an empty dictionary without one. The file may disappear at any
    moment."""
    try:
        return read_json(path)
    except ConfigError as error:
        if isinstance(error.__cause__, FileNotFoundError | NotADirectoryError):
            return {}
        raise


def sync_folder(folder: Path) -> None:
    """Make the names in a folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


@contextlib.contextmanager
def _write_file(path: Path, durable: bool) -> Iterator[IO[bytes]]:
    partial = path.with_name(f"{path.name}.partial-{os.getpid()}-{uuid.uuid4().hex[:6]}")
    try:
        with partial.open("wb") as file:
            yield file
            file.flush()
            if durable:
                os.fsync(file.fileno())
        os.replace(partial, path)
        if durable:
            sync_folder(path.parent)
    finally:
        with contextlib.suppress(OSError):
            partial.unlink(missing_ok=True)


@contextlib.contextmanager
def _write_object(path: Remote) -> Iterator[IO[bytes]]:
    """Collect the content in memory, then send it with one PUT. A large one goes up in parts, which
    the store shows only once complete."""
    with io.BytesIO() as buffer:
        yield buffer
        with path.filesystem.open_output_stream(path.key) as stream:
            stream.write(buffer.getbuffer())
