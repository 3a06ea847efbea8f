"""Zip archives, read within bounds and never unpacked to disk."""

import os
import stat
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.bounded_reading import Streamed, bounded, understood, unreadable
from raygroup.scenes.archives.members import Listing, Member, Told, room_of

_MAX_DIRECTORY = 256 << 20
"""Bytes of a zip's directory, which zipfile parses whole."""
_COUNTED = 1 << 16
"""Entries, of which old zips count no further."""


def is_zip(path: Path) -> bool:
    """Whether its first bytes or its end are a zip's, and its first ones not a tarball's."""
    with path.open("rb") as file:
        beginning = file.read(512)
    return beginning[:4] in (b"PK\3\4", b"PK\5\6") or (beginning[257:262] != b"ustar" and zipfile.is_zipfile(path))


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
            except UnreadableFileError as error:
                yield name, error


def _fault_of_entry(entry: zipfile.ZipInfo) -> str:
    if entry.flag_bits & 1:
        return "the entry is encrypted; unpack the archive and give the folder"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "the entry is a link, must be a file"
    return "the name holds a NUL" if "\0" in entry.orig_filename else ""


def _num_entries(path: Path) -> int:
    """What a zip says of itself; raises UnreadableFileError for a directory of which zipfile would make gigabytes."""
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
        raise UnreadableFileError(
            f"its directory would be {directory:,} bytes of a file of {size:,}, at most {_MAX_DIRECTORY >> 20} MB are read"
        )
    return count
