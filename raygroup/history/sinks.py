"""Where the messages of one attempt's history go: one growing stream on a file system, immutable parts on an object store."""

import contextlib
import os
import zlib
from pathlib import Path
from typing import Any, Protocol

from raygroup.files.atomic import sync_folder, write_whole
from raygroup.files.places import Place, Remote

END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"
Marks = dict[str, tuple[int, int]]
"""File name -> (bytes, CRC-32 of them): how much of a history was on disk at some moment, and that it is unchanged."""


class Sink(Protocol):
    """Takes IPC messages: the schema first."""

    @property
    def path(self) -> Place: ...

    def write(self, message: Any) -> None:
        """The whole message, or OSError and nothing of it."""

    def sync(self) -> None:
        """All that was written survives a power cut when this returns."""

    def marks(self) -> Marks: ...

    def close(self, *, ended: bool) -> None:
        """Lets go of the file; with ``ended`` the stream is marked as complete."""


def sink(folder: Place, attempt: int, schema: Any) -> Sink:
    """Raises OSError naming the file where it cannot be made, also where this attempt has one already."""
    folder.mkdir(parents=True, exist_ok=True)
    return Parts(folder, attempt, schema) if isinstance(folder, Remote) else Stream(folder / f"attempt-{attempt}.arrows", schema)


class Stream:
    """``attempt-<N>.arrows``, appended to; one writer a file."""

    def __init__(self, path: Path, schema: Any) -> None:
        self._path, self._size, self._crc = path, 0, 0
        self._file = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        try:
            self.write(schema)
            self.sync()
            sync_folder(path.parent)
        except OSError:
            os.close(self._file)
            with contextlib.suppress(OSError):
                path.unlink()  # so that another try may make it
            raise

    @property
    def path(self) -> Path:
        return self._path

    def write(self, message: Any) -> None:
        """At the end of what is whole: a write that was interrupted is written over."""
        view, at = memoryview(message), self._size
        try:
            while view:
                written = os.pwrite(self._file, view, at)
                view, at = view[written:], at + written
        except OSError as error:
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            raise OSError(error.errno, error.strerror, str(self.path)) from error
        self._size, self._crc = at, zlib.crc32(message, self._crc)

    def sync(self) -> None:
        os.fsync(self._file)

    def marks(self) -> Marks:
        return {self.path.name: (self._size, self._crc)}

    def close(self, *, ended: bool) -> None:
        try:
            if ended:
                self.write(END_OF_STREAM)
                self.sync()
        finally:
            os.close(self._file)


class Parts:
    """``part-<N>-<K>.arrows``: what was written between two syncs, each a stream of its own that appears whole and never changes."""

    def __init__(self, folder: Remote, attempt: int, schema: Any) -> None:
        self.folder, self.attempt, self._schema = folder, attempt, bytes(schema)
        self._waiting: list[bytes] = []
        self._marks: Marks = {}

    @property
    def path(self) -> Remote:
        """Of the next part."""
        return self.folder / f"part-{self.attempt}-{len(self._marks):05d}.arrows"

    def write(self, message: Any) -> None:
        self._waiting.append(bytes(message))

    def sync(self) -> None:
        if not self._waiting:
            return
        content = b"".join([self._schema, *self._waiting, END_OF_STREAM])
        write_whole(self.path, content)
        self._marks[self.path.name] = (len(content), zlib.crc32(content))
        self._waiting = []

    def marks(self) -> Marks:
        return dict(self._marks)

    def close(self, *, ended: bool) -> None:
        if ended:
            self.sync()
