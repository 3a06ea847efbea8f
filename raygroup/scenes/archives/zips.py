"""Read zip archives within size limits, without unpacking them to disk."""

import os
import stat
import zipfile
from collections.abc import Collection
from dataclasses import dataclass, field
from pathlib import Path

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.bounded_reading import ContentStream, read_bounded, read_errors_as_config, read_errors_as_unreadable
from raygroup.scenes.archives.members import Listing, Member, ReportProblem, max_unpacked_bytes

_MAX_DIRECTORY = 256 << 20
"""Bytes of a zip's directory, which zipfile parses completely."""
_BOUNDED = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
"""Compressions whose output zipfile limits. 4 KB of bzip2 can unpack to 4 GB at once."""
_COUNT_RANGE = 1 << 16
"""Old zips store the number of entries modulo this number."""


def is_zip(path: Path) -> bool:
    """Return whether a file is a zip.

    It begins or ends like a zip, and does not begin like a tarball: a tarball may contain a zip.
    """
    with path.open("rb") as file:
        beginning = file.read(512)
    return beginning[:4] in (b"PK\3\4", b"PK\5\6") or (beginning[257:262] != b"ustar" and zipfile.is_zipfile(path))


@dataclass
class Zip:
    """A zip archive, whose entries can be read in any order."""

    path: Path
    _entries: dict[str, zipfile.ZipInfo] = field(default_factory=dict, init=False, repr=False)

    def __post_init__(self) -> None:
        with read_errors_as_config(self.path):
            self._count = check_directory(self.path)
            self._archive = zipfile.ZipFile(self.path)

    @property
    def root(self) -> Path:
        return self.path

    def list(self, number: int, report: ReportProblem) -> tuple[Member, ...]:
        listing = Listing(number, self.path, report, max_unpacked_bytes(self.path.stat().st_size))
        count = len(self._archive.infolist())
        if count % _COUNT_RANGE != self._count % _COUNT_RANGE:
            report("archive damaged", str(self.path), f"it claims {self._count:,} entries, but its directory lists {count:,}")
        for entry in self._archive.infolist():
            if listing.is_full:
                listing.report_overflow()
                break
            if entry.is_dir():
                continue
            if reason := fault_of_entry(entry):
                listing.leave_out(entry.orig_filename, reason)
            elif member := listing.add(entry.filename, entry.file_size):
                self._entries[member.name] = entry
        return tuple(listing.members.values())

    def read(self, name: str) -> bytes:
        with read_errors_as_unreadable(), self._archive.open(self._entries[name]) as file:
            return read_bounded(file)

    def stream(self, names: Collection[str]) -> ContentStream:
        for name in sorted(names, key=lambda name: self._entries[name].header_offset):
            try:
                yield name, self.read(name)
            except UnreadableFileError as error:
                yield name, error


def fault_of_entry(entry: zipfile.ZipInfo) -> str:
    """Return why an entry cannot be read, or an empty text."""
    if entry.flag_bits & 1:
        return "the entry is encrypted: unpack the archive and pass the folder"
    if entry.compress_type not in _BOUNDED:
        return "the entry is neither stored nor deflated, and what it unpacks to has no limit: unpack the archive and pass the folder"
    if stat.S_ISLNK(entry.external_attr >> 16):
        return "the entry is a link, must be a file"
    return "the name contains a NUL character" if "\0" in entry.orig_filename else ""


def check_directory(path: Path) -> int:
    """Return the number of entries that a zip claims to have.

    Raises UnreadableFileError if the zip is cut off, and if its directory is so large that zipfile
    would need gigabytes for it.
    """
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        file.seek(max(0, size - (1 << 16) - 22 - 76))  # the longest comment, the end record, and zip64's two records
        end = file.read()
    end_record = end.rfind(b"PK\5\6")
    if end_record < 0:
        raise UnreadableFileError("cut off: it has no directory at its end; get it again")
    count, directory = (int.from_bytes(end[end_record + start : end_record + stop], "little") for start, stop in ((10, 12), (12, 16)))
    zip64_record = end.rfind(b"PK\6\6")
    # an old record with all bits set refers to the zip64 record
    if zip64_record >= 0 and (directory == 0xFFFFFFFF or count == _COUNT_RANGE - 1):
        count, directory = (int.from_bytes(end[zip64_record + start : zip64_record + start + 8], "little") for start in (32, 40))
    if directory > min(size, _MAX_DIRECTORY):
        raise UnreadableFileError(
            f"its directory would be {directory:,} bytes of a file of {size:,}; at most {_MAX_DIRECTORY >> 20} MB are read"
        )
    return count
