"""Zips and tarballs, read within bounds and never unpacked to disk."""

import bz2
import contextlib
import gzip
import lzma
import os
import stat
import struct
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, cast

from raygroup.config import ConfigError
from raygroup.scenes.members import MAX_BYTES, SMALL_SUFFIXES, Listing, Member, Told, UnreadableError, room_of

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

_KEPT_BYTES = 256 << 20
"""Of a tarball's label files, kept from its listing on: it cannot be read out of order."""
_MAX_HEADER = 1 << 20
"""Bytes: long names and other extended headers of a tarball, which tarfile reads whole."""
_MAX_DIRECTORY = 256 << 20
"""Bytes of a zip's directory, which zipfile parses whole."""
_COUNTED = 1 << 16
"""Entries, of which old zips count no further."""
_STEP = 1 << 20
_BLOCK = 512

Streamed = Iterator[tuple[str, bytes | UnreadableError]]


def is_zip(path: Path) -> bool:
    """Whether its first bytes or its end are a zip's, and its first ones not a tarball's."""
    with path.open("rb") as file:
        beginning = file.read(_BLOCK)
    return beginning[:4] in (b"PK\3\4", b"PK\5\6") or (beginning[257:262] != b"ustar" and zipfile.is_zipfile(path))


def is_tar(path: Path) -> bool:
    """Whether it begins, unpacked, as a tarball does; raises one of ``BROKEN`` for what is packed and cannot be unpacked."""
    with contextlib.closing(Forward(path)) as forward:
        beginning = forward.read(_BLOCK)
    try:
        return tarfile.TarInfo.frombuf(beginning, "utf-8", "surrogateescape").chksum > 0
    except tarfile.TarError:
        return False


@dataclass
class Zip:
    """A zip archive, which any entry can be read from."""

    path: Path
    _entries: dict[str, zipfile.ZipInfo] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        with understood(self.path):
            self._count = _num_entries(self.path)
            self._archive = zipfile.ZipFile(self.path)

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        listing = Listing(number, self.path, told, room_of(self.path.stat().st_size))
        if (found := len(self._archive.infolist())) % _COUNTED != self._count % _COUNTED:
            told("archive damaged", str(self.path), f"it says that it holds {self._count:,} entries, its directory names {found:,}")
        for entry in self._archive.infolist():
            if listing.is_full:
                listing.end_early()
                break
            if entry.is_dir():
                continue
            if why := _fault_of_entry(entry):
                listing.leave_out(entry.orig_filename, why)
            elif member := listing.take(entry.filename, entry.file_size):
                self._entries[member.name] = entry
        return tuple(listing.found.values())

    def read(self, name: str) -> bytes:
        with unreadable(), self._archive.open(self._entries[name]) as file:
            return bounded(file)

    def stream(self, names: Collection[str]) -> Streamed:
        for name in sorted(names, key=lambda name: self._entries[name].header_offset):
            try:
                yield name, self.read(name)
            except UnreadableError as error:
                yield name, error


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
            told("archive damaged", str(self.path), f"in or after its first {len(listing.found)} files: {_said(error)}")
        return tuple(listing.found.values())

    def read(self, name: str) -> bytes:
        content = next((content for _, content in self.stream({name})), UnreadableError("no such entry"))
        if isinstance(content, UnreadableError):
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
                yield name, UnreadableError(f"the archive is damaged before or in this entry: {_said(error)}")

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
            raise UnreadableError(f"a header at byte {self._at:,} asks for {count:,} bytes, at most {self.most:,} are read")
        if self._at + count > self._room and self._is_packed:
            raise UnreadableError(f"it unpacks to more than {self._room:,} bytes, which no data set does: unpack it and give the folder")
        self.last = self._file.read(count)
        self._at += len(self.last)
        return self.last

    def seek(self, position: int) -> int:
        if position < self._at:
            raise UnreadableError(f"a header at byte {self._at:,} leads back to byte {position:,}")
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


def bounded(file: IO[bytes]) -> bytes:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"more than {MAX_BYTES >> 20} MB, whatever its header says")
    return content


@contextlib.contextmanager
def unreadable() -> Iterator[None]:
    try:
        yield
    except UnreadableError:
        raise
    except BROKEN as error:
        raise UnreadableError(_said(error)) from error


@contextlib.contextmanager
def understood(path: Path) -> Iterator[None]:
    try:
        yield
    except BROKEN as error:
        raise ConfigError(f"{path}: not readable as an archive: {_said(error)}") from error


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
            raise UnreadableError(f"at byte {archive.offset:,} there is neither a file's header nor the end of the archive")
        forward.finish()


def _unpacked(path: Path) -> tuple[IO[bytes], bool]:
    """The archive's bytes, and whether they were packed."""
    with path.open("rb") as file:
        beginning = file.read(6)
    kinds: tuple[tuple[bytes, Callable[[Path], Any]], ...] = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))
    opened = next((opened for magic, opened in kinds if beginning.startswith(magic)), None)
    return (opened(path), True) if opened else (path.open("rb"), False)


def _fault_of_entry(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & 1:
        return "the entry is encrypted; unpack the archive and give the folder"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "the entry is a link, must be a file"
    return "the name holds a NUL" if "\0" in entry.orig_filename else ""


def _num_entries(path: Path) -> int:
    """What a zip says of itself; raises UnreadableError for a directory of which zipfile would make gigabytes."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - 22 - 76))
        end = file.read()
    found = end.rfind(b"PK\5\6")
    count, directory = (int.from_bytes(end[found + start : found + stop], "little") for start, stop in ((10, 12), (12, 16)))
    large = end.rfind(b"PK\6\6")
    if large >= 0 and (directory == 0xFFFFFFFF or count == _COUNTED - 1):
        count, directory = (int.from_bytes(end[large + start : large + start + 8], "little") for start in (32, 40))
    if directory > min(size, _MAX_DIRECTORY):
        raise UnreadableError(
            f"its directory would be {directory:,} bytes of a file of {size:,}, at most {_MAX_DIRECTORY >> 20} MB are read"
        )
    return count


def _said(error: BaseException) -> str:
    return " ".join(str(error).split()) or type(error).__name__
