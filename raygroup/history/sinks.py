"""The files of one attempt's history.

They are one growing stream on a file system, and immutable parts on an object store.
"""

import contextlib
import os
import zlib
from pathlib import Path
from typing import Any, Protocol

from raygroup.files.atomic import sync_folder, write_bytes
from raygroup.files.places import Place
from raygroup.files.remote import Remote
from raygroup.storage.layout import STEPS, attempt_part_file, attempt_stream_file

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
"""The end marker of the Arrow IPC streaming format."""
Checksums = dict[str, tuple[int, int]]
"""File name -> (number of bytes, CRC-32 of these bytes). They fix how much of a history was on disk
at some moment, and its content."""


class Sink(Protocol):
    """A place to write IPC messages: first the schema, then record batches."""

    @property
    def path(self) -> Place: ...

    def begin(self) -> None:
        """Write the schema. After an error it may be called again."""

    def write(self, message: Any) -> None:
        """Write the whole message, or raise OSError and write nothing."""

    def sync(self) -> None:
        """Return when everything written so far would survive a power cut."""

    def checksums(self) -> Checksums: ...

    def end(self) -> None:
        """Mark the stream as complete, and bring everything to disk. After an error it may be called again."""

    def close(self) -> None:
        """Close the file. Whatever ``end`` or ``sync`` has brought to disk is safe already, so errors count no more."""


def open_sink(folder: Place, attempt: int, schema: Any, record: str = STEPS) -> Sink:
    """Create the history file of an attempt, or that of its evidence (``layout.EVIDENCE``). Raises OSError that names it if that fails,
    or if the file exists already."""
    folder.mkdir(parents=True, exist_ok=True)
    if isinstance(folder, Remote):
        return Parts(folder, attempt, schema, record)
    return Stream(folder / attempt_stream_file(attempt, record), schema)


class Stream:
    """A file ``attempt-<N>.arrows`` that grows. It has one writer."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._path, self._schema, self._size, self._crc, self._ended = path, schema, 0, 0, False
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)

    def begin(self) -> None:
        if not self._size:
            self.write(self._schema)
        self.sync()
        sync_folder(self._path.parent)

    @property
    def path(self) -> Path:
        return self._path

    def write(self, message: Any) -> None:
        """Write after the last complete message. An interrupted write is thereby overwritten."""
        view, position = memoryview(message), self._size
        try:
            while view:
                num_bytes = os.pwrite(self._file, view, position)
                view, position = view[num_bytes:], position + num_bytes
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        self._size, self._crc = position, zlib.crc32(message, self._crc)

    def sync(self) -> None:
        try:
            os.fsync(self._file)
        except OSError as error:
            raise OSError(error.errno, error.strerror, str(self.path)) from error

    def checksums(self) -> Checksums:
        return {self.path.name: (self._size, self._crc)}

    def end(self) -> None:
        if not self._ended:
            self.write(END_OF_STREAM)
            self._ended = True
        self.sync()

    def close(self) -> None:
        with contextlib.suppress(OSError):
            os.close(self._file)


class Parts:
    """Files ``part-<N>-<K>.arrows`` of one record, one for each sync. Each is a complete stream that never
    changes."""

    def __init__(self, folder: Remote, attempt: int, schema: Any, record: str = STEPS) -> None:
        self.folder, self.attempt, self.record, self._schema = folder, attempt, record, bytes(schema)
        self._unsaved: list[bytes] = []
        self._checksums: Checksums = {}

    @property
    def path(self) -> Remote:
        """Path of the next part."""
        return self.folder / attempt_part_file(self.attempt, len(self._checksums), self.record)

    def begin(self) -> None:
        """Do nothing: each part begins with the schema."""

    def write(self, message: Any) -> None:
        self._unsaved.append(bytes(message))

    def sync(self) -> None:
        if not self._unsaved:
            return
        content = b"".join([self._schema, *self._unsaved, END_OF_STREAM])
        write_bytes(self.path, content)
        self._checksums[self.path.name] = (len(content), zlib.crc32(content))
        self._unsaved = []

    def checksums(self) -> Checksums:
        return dict(self._checksums)

    def end(self) -> None:
        self.sync()

    def close(self) -> None:
        """Do nothing: no file is open between two parts."""
