"""Places of files, and what one does with them wherever they are.

A place is a path of this machine or a network file system (``pathlib.Path``), or a name in an
object store (``Remote``).
"""

import argparse
import re
import shutil
from pathlib import Path
from typing import Any, Union

from raygroup.errors import ConfigError
from raygroup.files.remote import KINDS_OF_PLACES, Remote

Place = Union[Path, Remote]  # noqa: UP007 (a runtime alias of both)
"""The location of a file or folder."""


_LOOKS_LIKE_URL = re.compile(r"(?P<scheme>[a-z][a-z0-9+.-]*)(?P<separator>:/*|//+)(?P<rest>.*)", re.IGNORECASE)
_STORES = {"s3": "s3", "s3a": "s3", "s3n": "s3", "gs": "gs", "gcs": "gs", "abfs": "abfs", "abfss": "abfss", "az": "abfs"}
"""Schemes that people write, and the scheme that raygroup reads."""
_NO_STORES = {"http", "https", "file", "ftp", "sftp", "hdfs", "wasb", "wasbs"}


def place(text: str | Path | Remote) -> Place:
    """Convert a path or URI to a place. ``~`` is the home folder.

    Raises ConfigError for a text that is almost a URI. The message says what would be right.
    """
    if isinstance(text, Remote):
        return text
    _refuse_look_alike(str(text))
    return Remote(str(text)) if "://" in str(text) else _expand_home(text)


def local_path(text: str | Path) -> Path:
    """Convert a text to a path of this machine. ``~`` is the home folder.

    Raises ConfigError for a URI, and like ``place``.
    """
    converted = place(text)
    if isinstance(converted, Remote):
        raise ConfigError(f"{text}: must be a path of this machine; copy the files here first")
    return converted


def parse_place(text: str) -> Place:
    """Convert a command-line argument to a place. Of a bare ConfigError, argparse would show no
    text."""
    try:
        return place(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def parse_local_path(text: str) -> Path:
    """Convert a command-line argument to a path of this machine."""
    try:
        return local_path(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


def _expand_home(path: str | Path) -> Path:
    try:
        return Path(path).expanduser()
    except RuntimeError as error:
        raise ConfigError(
            f"{path}: no home folder is known for it; write the path in full, or ./{path} for a folder of that name"
        ) from error


def _refuse_look_alike(text: str) -> None:
    """Raise ConfigError for ``s3:/bucket``, ``S3://bucket``, ``s3//bucket``, ``https://bucket`` and their like."""
    match = _LOOKS_LIKE_URL.fullmatch(text)
    if not match:
        return
    scheme, rest = match["scheme"].lower(), match["rest"]
    store = _STORES.get(scheme)
    is_right = store == match["scheme"] and match["separator"] == "://" and not rest.startswith("/")
    if store and not is_right:
        raise ConfigError(f"{text}: write {store}://{rest.lstrip('/') or 'bucket/folder'}, or ./{text} for a folder of that name")
    if scheme in _NO_STORES:
        raise ConfigError(f"{text}: {KINDS_OF_PLACES}")


def arrow_source(path: Place) -> Any:
    """Return a source for pyarrow's readers.

    A local path stays as it is. A remote object is opened, and pyarrow fetches the parts it needs.
    """
    return path.filesystem.open_input_file(path.key) if isinstance(path, Remote) else path


def open_stream(path: Place) -> Any:
    """Open a file as a binary stream. Use it in a ``with`` statement."""
    return path.filesystem.open_input_stream(path.key) if isinstance(path, Remote) else path.open("rb")


def size_of(path: Place) -> int:
    """Return the bytes of a file, or of all files below a folder.

    A missing file has 0, also if it disappears during the count. Links are not followed.
    """
    if isinstance(path, Remote):
        return sum(info.size or 0 for info in path.infos(recursive=True)) if path.is_dir() else path.size()
    try:
        return sum(size_of(child) for child in path.iterdir() if not child.is_symlink()) if path.is_dir() else path.stat().st_size
    except FileNotFoundError:
        return 0


def remove(path: Place) -> None:
    """Delete a file, a link, or a folder with everything below it. It is no error if some of it is
    gone already."""
    if path.is_dir() and not path.is_symlink():
        shutil.rmtree(path, onerror=_ignore_missing) if isinstance(path, Path) else path.filesystem.delete_dir(path.key)
    else:
        path.unlink(missing_ok=True)


def _ignore_missing(function: object, path: str, caught: tuple[type[BaseException], BaseException, object]) -> None:
    if not isinstance(caught[1], FileNotFoundError):
        raise caught[1]
