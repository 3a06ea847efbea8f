"""Tarballs, compressed or not, read within bounds and never unpacked to disk."""

import bz2
import contextlib
import gzip
import lzma
import tarfile
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.bounded_reading import BROKEN, Streamed, bounded, said
from raygroup.scenes.archives.members import MAX_BYTES, SMALL_SUFFIXES, Listing, Member, Told, room_of

_KEPT_BYTES = 256 << 20
"""Of a tarball's label files, kept from its listing on: it cannot be read out of order."""
_MAX_HEADER = 1 << 20
"""Bytes: long names and other extended headers of a tarball, which tarfile reads whole."""
_STEP = 1 << 20
_BLOCK = 512


def is_tar(path: Path) -> bool:
    """Whether it begins, unpacked, as a tarball does; raises one of ``BROKEN`` for what is packed and cannot be unpacked."""
    with contextlib.closing(Forward(path)) as forward:
        beginning = forward.read(_BLOCK)
    try:
        return tarfile.TarInfo.frombuf(beginning, "utf-8", "surrogateescape").chksum > 0
    except tarfile.TarError:
        return False


@dataclass
class Tar:
    """A tarball, compressed or not, which is read from its beginning on: once to list it and keep its label files, then for the images.

    A stream goes on where the one before it ended, if all its files lie behind that.
    """

    path: Path
    _kept: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    """Of the entries, in their order."""
    _reading: "Iterator[tuple[int, tarfile.TarInfo, IO[bytes] | None]] | None" = field(default=None, init=False, repr=False)
    _position: int = field(default=0, init=False, repr=False)
    """Number of the entry that ``_reading`` gives next."""

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        listing = Listing(number, self.path, told)
        room = _KEPT_BYTES
        try:
            for place, entry, file in _entries(self.path):
                if listing.is_full:
                    listing.end_early()
                    break
                if entry.isdir():
                    continue
                if not entry.isfile():
                    listing.leave_out(entry.name, "the entry is a link or a device, must be a file")
                elif member := listing.take(entry.name, entry.size):
                    self._numbers[member.name] = place
                    if member.suffix in SMALL_SUFFIXES and entry.size <= room:
                        self._kept[member.name] = bounded(cast("IO[bytes]", file))
                        room -= entry.size
        except BROKEN as error:
            told("archive damaged", str(self.path), f"in or after its first {len(listing.found)} files: {said(error)}")
        return tuple(listing.found.values())

    def read(self, name: str) -> bytes:
        content = next((content for _, content in self.stream({name})), UnreadableFileError("no such entry"))
        if isinstance(content, UnreadableFileError):
            raise content
        return content

    def stream(self, names: Collection[str]) -> Streamed:
        left = {self._numbers[name]: name for name in names if name not in self._kept}
        yield from ((name, self._kept[name]) for name in names if name in self._kept)
        try:
            while left:
                number, _, file = self._next(min(left))
                if number in left:
                    content = bounded(cast("IO[bytes]", file))
                    yield left.pop(number), content
        except (StopIteration, *BROKEN) as error:
            self._reading = None
            for name in left.values():
                yield name, UnreadableFileError(f"the archive is damaged before or in this entry: {said(error)}")

    def _next(self, wanted: int) -> "tuple[int, tarfile.TarInfo, IO[bytes] | None]":
        if self._reading is None or self._position > wanted:
            self._reading = _entries(self.path)
        found = next(self._reading)
        self._position = found[0] + 1
        return found


class Forward:
    """What tarfile reads: the bytes of a tarball from the first on, unpacked, no more of them than its size allows."""

    def __init__(self, path: Path) -> None:
        self._file, self._is_packed = _unpacked(path)
        self._room = room_of(path.stat().st_size)
        self._at = 0
        self.most = _MAX_HEADER
        """Bytes that may be asked for at once: few where a header is read."""
        self.last = b""
        """What was read last."""

    def tell(self) -> int:
        return self._at

    def read(self, count: int) -> bytes:
        if not 0 <= count <= self.most:
            raise UnreadableFileError(f"a header at byte {self._at:,} asks for {count:,} bytes, at most {self.most:,} are read")
        if self._at + count > self._room and self._is_packed:
            raise UnreadableFileError(
                f"it unpacks to more than {self._room:,} bytes, which no data set does: unpack it and give the folder"
            )
        self.last = self._file.read(count)
        self._at += len(self.last)
        return self.last

    def seek(self, position: int) -> int:
        if position < self._at:
            raise UnreadableFileError(f"a header at byte {self._at:,} leads back to byte {position:,}")
        if not self._is_packed:
            self._at = self._file.seek(position)
        while self._at < position and self.read(min(_STEP, position - self._at)):
            pass
        return self._at

    def finish(self) -> None:
        """Reads what is left of a packed archive, whose checksum stands at its end."""
        self.most = _STEP
        while self._is_packed and self.read(_STEP):
            pass

    def close(self) -> None:
        self._file.close()


def _entries(path: Path) -> "Iterator[tuple[int, tarfile.TarInfo, IO[bytes] | None]]":
    """Number, header, and what to read it from where it is a file; raises one of ``BROKEN`` where the archive is damaged."""
    with contextlib.closing(Forward(path)) as forward:
        archive = tarfile.TarFile(fileobj=cast("IO[bytes]", forward), mode="r")
        number = 0
        while entry := archive.next():
            archive.members.clear()  # type: ignore[attr-defined]
            forward.most = MAX_BYTES + 1
            yield number, entry, archive.extractfile(entry) if entry.isfile() and entry.size <= MAX_BYTES else None
            forward.most = _MAX_HEADER
            number += 1
        if len(forward.last) != _BLOCK or any(forward.last):
            raise UnreadableFileError(f"at byte {archive.offset:,} there is neither a file's header nor the end of the archive")
        forward.finish()


def _unpacked(path: Path) -> tuple[IO[bytes], bool]:
    """The archive's bytes, and whether they were packed."""
    with path.open("rb") as file:
        beginning = file.read(6)
    kinds: tuple[tuple[bytes, Callable[[Path], Any]], ...] = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))
    opened = next((opened for magic, opened in kinds if beginning.startswith(magic)), None)
    return (opened(path), True) if opened else (path.open("rb"), False)
