"""Reading what archives and folders hold: no more than a bound, and every way in which bytes can be wrong as one error."""

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

BROKEN = (
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
"""What the archive libraries raise for bytes that are not what they say."""

Streamed = Iterator[tuple[str, bytes | UnreadableFileError]]
"""Names and contents."""


def bounded(file: IO[bytes]) -> bytes:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableFileError(f"more than {MAX_BYTES >> 20} MB, whatever its header says")
    return content


@contextlib.contextmanager
def unreadable() -> Iterator[None]:
    try:
        yield
    except UnreadableFileError:
        raise
    except BROKEN as error:
        raise UnreadableFileError(said(error)) from error


@contextlib.contextmanager
def understood(path: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise ConfigError(f"{path}: not readable as an archive: {said(error)}") from error


def said(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
