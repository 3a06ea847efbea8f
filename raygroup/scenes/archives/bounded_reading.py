"""Read files and archive entries up to a size limit.

All errors of reading become one class of error.
"""

import contextlib
import lzma
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.archives.members import MAX_BYTES

READ_ERRORS = (
    OSError,
    EOFError,
    ValueError,
    IndexError,
    OverflowError,
    MemoryError,
    struct.error,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    NotImplementedError,
    RuntimeError,
)
"""Errors that the archive libraries raise for damaged bytes."""

ContentStream = Iterator[tuple[str, bytes | UnreadableFileError]]
"""Names of files, each with its content or the reason why it cannot be read."""


def read_bounded(file: IO[bytes], max_bytes: int = MAX_BYTES) -> bytes:
    """Return the rest of a file.

    Raises UnreadableFileError if it has more than ``max_bytes``.
    """
    content = file.read(max_bytes + 1)
    if len(content) > max_bytes:
        raise UnreadableFileError(f"more than {max_bytes >> 20} MB, whatever its header says")
    return content


@contextlib.contextmanager
def read_errors_as_unreadable() -> Iterator[None]:
    """Raise UnreadableFileError in place of any error in ``READ_ERRORS``."""
    try:
        yield
    except UnreadableFileError:
        raise
    except READ_ERRORS as error:
        raise UnreadableFileError(error_text(error)) from error


@contextlib.contextmanager
def read_errors_as_config(path: Path) -> Iterator[None]:
    """Raise ConfigError with the path in place of any error in ``READ_ERRORS``."""
    try:
        yield
    except ConfigError:  # it names the path already
        raise
    except UnreadableFileError as error:  # it says by itself what is wrong
        raise ConfigError(f"{path}: {error}") from error
    except READ_ERRORS as error:
        raise ConfigError(f"{path}: not readable as an archive: {error_text(error)}") from error


def error_text(error: BaseException) -> str:
    """Return an error's message on one line.

    An error without a message gives the name of its class.
    """
    return " ".join(str(error).split()) or type(error).__name__
