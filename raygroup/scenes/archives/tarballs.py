"""Read tarballs within size limits, without unpacking them to disk."""

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
from raygroup.scenes.archives.bounded_reading import READ_ERRORS, ContentStream, error_text, read_bounded
from raygroup.scenes.archives.members import MAX_BYTES, SMALL_SUFFIXES, Listing, Member, ReportProblem, max_unpacked_bytes

_MAX_CACHED_BYTES = 256 << 20
"""Bytes of label files that stay in memory after the listing.

A tarball cannot be read out of order.
"""
_MAX_HEADER = 1 << 20
"""Bytes of a long name or another extended header, which tarfile reads completely."""
_STEP = 1 << 20
_BLOCK = 512

Entry = tuple[int, tarfile.TarInfo, IO[bytes] | None]
"""Number, header, and a file to read the content from; None if the entry is no file or too large."""


def is_tar(path: Path) -> bool:
    """Return whether a file, once unpacked, begins like a tarball.

    Raises one of ``READ_ERRORS`` if the file is compressed and damaged.
    """
    with contextlib.closing(ForwardReader(path)) as reader:
        beginning = reader.read(_BLOCK)
    try:
        return tarfile.TarInfo.frombuf(beginning, "utf-8", "surrogateescape").chksum > 0
    except tarfile.TarError:
        return False


@dataclass
class Tar:
    """A tarball, compressed or not, read from beginning to end.

    The first pass lists it and caches its label files, later passes read images. A stream continues
    where the last one ended, if all its files come after that point.
    """

    path: Path
    _cache: dict[str, bytes] = field(default_factory=dict, init=False, repr=False)
    _numbers: dict[str, int] = field(default_factory=dict, init=False, repr=False)
    """Name -> number of the entry in the tarball."""
    _pass: Iterator[Entry] | None = field(default=None, init=False, repr=False)
    _position: int = field(default=0, init=False, repr=False)
    """Number of the entry that ``_pass`` yields next."""

    @property
    def root(self) -> Path:
        return self.path

    def list(self, number: int, report: ReportProblem) -> tuple[Member, ...]:
        listing = Listing(number, self.path, report)
        cache_bytes_left = _MAX_CACHED_BYTES
        try:
            for place, entry, file in _entries(self.path):
                if listing.is_full:
                    listing.report_overflow()
                    break
                if entry.isdir():
                    continue
                if not entry.isfile():
                    listing.leave_out(entry.name, "the entry is a link or a device, must be a file")
                elif member := listing.add(entry.name, entry.size):
                    self._numbers[member.name] = place
                    if member.suffix in SMALL_SUFFIXES and entry.size <= cache_bytes_left:
                        self._cache[member.name] = read_bounded(cast("IO[bytes]", file))
                        cache_bytes_left -= entry.size
        except READ_ERRORS as error:
            report("archive damaged", str(self.path), f"in or after its first {len(listing.members)} files: {error_text(error)}")
        return tuple(listing.members.values())

    def read(self, name: str) -> bytes:
        content = next((content for _, content in self.stream({name})), UnreadableFileError("no such entry"))
        if isinstance(content, UnreadableFileError):
            raise content
        return content

    def stream(self, names: Collection[str]) -> ContentStream:
        missing = {self._numbers[name]: name for name in names if name not in self._cache}
        yield from ((name, self._cache[name]) for name in names if name in self._cache)
        try:
            while missing:
                number, _, file = self._next_entry(min(missing))
                if number in missing:
                    content = read_bounded(cast("IO[bytes]", file))
                    yield missing.pop(number), content
        except (StopIteration, *READ_ERRORS) as error:
            self._pass = None
            for name in missing.values():
                yield name, UnreadableFileError(f"the archive is damaged before or in this entry: {error_text(error)}")

    def _next_entry(self, first: int) -> Entry:
        """Return the next entry.

        Starts a new pass if the current one is already past entry ``first``.
        """
        if self._pass is None or self._position > first:
            self._pass = _entries(self.path)
        entry = next(self._pass)
        self._position = entry[0] + 1
        return entry


class ForwardReader:
    """The file object that tarfile reads.

    It returns the unpacked bytes from the first to the last. It limits how many can be read in
    total and at once.
    """

    def __init__(self, path: Path) -> None:
        self._file, self._is_packed = _unpacked_file(path)
        self._max_bytes = max_unpacked_bytes(path.stat().st_size)
        self._position = 0
        self.max_read = _MAX_HEADER
        """Bytes that one ``read`` may ask for; headers get fewer than contents."""
        self.last_read = b""
        """Result of the last ``read``."""

    def tell(self) -> int:
        return self._position

    def read(self, count: int) -> bytes:
        if not 0 <= count <= self.max_read:
            raise UnreadableFileError(f"a header at byte {self._position:,} asks for {count:,} bytes: at most {self.max_read:,} are read")
        if self._position + count > self._max_bytes and self._is_packed:
            raise UnreadableFileError(
                f"it unpacks to more than {self._max_bytes:,} bytes, more than any known data set: unpack it and pass the folder"
            )
        self.last_read = self._file.read(count)
        self._position += len(self.last_read)
        return self.last_read

    def seek(self, position: int) -> int:
        if position < self._position:
            raise UnreadableFileError(f"a header at byte {self._position:,} points back to byte {position:,}")
        if not self._is_packed:
            self._position = self._file.seek(position)
        while self._position < position and self.read(min(_STEP, position - self._position)):
            pass
        return self._position

    def finish(self) -> None:
        """Read the rest of a compressed archive, up to its checksum."""
        self.max_read = _STEP
        while self._is_packed and self.read(_STEP):
            pass

    def close(self) -> None:
        self._file.close()


def _entries(path: Path) -> Iterator[Entry]:
    """Yield the entries of a tarball.

    Raises one of ``READ_ERRORS`` if the tarball is damaged.
    """
    with contextlib.closing(ForwardReader(path)) as reader:
        archive = tarfile.TarFile(fileobj=cast("IO[bytes]", reader), mode="r")
        number = 0
        while entry := archive.next():
            archive.members.clear()  # type: ignore[attr-defined]  # tarfile would keep every header in memory
            reader.max_read = MAX_BYTES + 1
            yield number, entry, archive.extractfile(entry) if entry.isfile() and entry.size <= MAX_BYTES else None
            reader.max_read = _MAX_HEADER
            number += 1
        # tarfile stops at a damaged header as if it were the end: a real end is a block of zeros
        if len(reader.last_read) != _BLOCK or any(reader.last_read):
            raise UnreadableFileError(f"byte {archive.offset:,} is neither the header of a file nor the end of the archive")
        reader.finish()


def _unpacked_file(path: Path) -> tuple[IO[bytes], bool]:
    """Open an archive to read its unpacked bytes.

    The flag tells whether it is compressed.
    """
    with path.open("rb") as file:
        beginning = file.read(6)
    openers: tuple[tuple[bytes, Callable[[Path], Any]], ...] = ((b"\x1f\x8b", gzip.open), (b"BZh", bz2.open), (b"\xfd7zXZ\0", lzma.open))
    opener = next((opener for magic, opener in openers if beginning.startswith(magic)), None)
    return (opener(path), True) if opener else (path.open("rb"), False)
