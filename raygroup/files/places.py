"""Places of files, and what one does with them wherever they are.

A place is a path of this machine or a network file system (``pathlib.Path``), or a name in an
object store (``Remote``).
"""

import argparse
import shutil
from pathlib import Path
from typing import Any, Union

from raygroup.errors import ConfigError
from raygroup.files.remote import Remote

Place = Union[Path, Remote]  # noqa: UP007 (a runtime alias of both)
"""The location of a file or folder."""


def place(text: str | Path | Remote) -> Place:
    """Convert a path or URI to a place."""
    if isinstance(text, Remote):
        return text
    return Remote(str(text)) if "://" in str(text) else Path(text)


def parse_place(text: str) -> Place:
    """Convert a command-line argument to a place. Of a bare ConfigError, argparse would show no
    text."""
    try:
        return place(text)
    except ConfigError as error:
        raise argparse.ArgumentTypeError(str(error)) from error


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
