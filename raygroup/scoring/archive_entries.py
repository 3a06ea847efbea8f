"""Read the numbered files of a zip or a folder.

They are a ground truth or a submission. Sizes are bounded, because a submission may come from
anybody.
"""

import re
import zipfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import IO

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.archives.bounded_reading import read_bounded, read_errors_as_unreadable
from raygroup.scenes.archives.zips import check_directory, fault_of_entry

MAX_ENTRY_BYTES = 16 << 20
MAX_TOTAL_BYTES = 512 << 20
"""Limit for all entries of one zip or folder. 20,000 images of 100 words take a fifth of it."""


@dataclass(frozen=True)
class ArchiveEntry:
    """One file of a zip or a folder."""

    location: str
    """Its name in messages."""
    content: bytes


def read_entries(
    source: Path, name: str, *, strict: bool, kind: type[ConfigError] = ConfigError, example: str = "1"
) -> dict[str, ArchiveEntry]:
    """Return the entries whose names begin as ``name`` demands, in their order.

    ``name`` is a regular expression. The keys are the digits that it captures. They are strings: 1
    is not 00001. If two entries have the same digits, the later one takes the place of the first.
    With ``strict``, an entry of another name raises an error, which shows a name with the digits
    ``example``. Otherwise it is skipped. Raises
    ``kind`` for an unreadable source and for one that would grow beyond the limits.
    """
    entries: dict[str, ArchiveEntry] = {}
    wanted = _Wanted(source, name, strict, kind, example)
    for entry_name, content in _read_folder(wanted) if source.is_dir() else _read_zip(wanted):
        match = re.match(name, entry_name)
        assert match is not None
        entries[match[1]] = ArchiveEntry(f"{source}/{entry_name}", content)
    return entries


@dataclass(frozen=True)
class _Wanted:
    """A source, and the names of the entries that are read of it."""

    source: Path
    name: str
    strict: bool
    kind: type[ConfigError]
    example: str

    def includes(self, entry: str) -> bool:
        is_wanted = re.match(self.name, entry) is not None
        if self.strict and not is_wanted:
            example = re.sub(r"\\(.)", r"\1", self.name.replace("([0-9]+)", self.example))
            raise self.kind(f"{self.source}: entry {entry!r} does not belong there: its name must be like {example}, in no folder")
        return is_wanted

    def check_sizes(self, sizes: dict[str, int]) -> None:
        for entry, size in sizes.items():
            if size > MAX_ENTRY_BYTES:
                raise self.kind(f"{self.source}/{entry}: unpacks to {size} bytes: one file may have {MAX_ENTRY_BYTES}")
        if sum(sizes.values()) > MAX_TOTAL_BYTES:
            raise self.kind(f"{self.source}: unpacks to {sum(sizes.values())} bytes: all files together may have {MAX_TOTAL_BYTES}")

    def read(self, entry: str, open_entry: Callable[[], IO[bytes]]) -> bytes:
        try:
            with read_errors_as_unreadable(), open_entry() as file:
                return read_bounded(file, MAX_ENTRY_BYTES)
        except UnreadableFileError as error:
            raise self.kind(f"{self.source}/{entry}: not readable: {error}") from error


def _read_zip(wanted: _Wanted) -> Iterator[tuple[str, bytes]]:
    source = wanted.source
    if not source.is_file():
        reason = "is no file" if source.exists() else "no such file"
        raise wanted.kind(f"{source}: not a readable zip ({reason}); give a zip or a folder")
    try:
        with read_errors_as_unreadable():
            check_directory(source)
            archive = zipfile.ZipFile(source)
    except UnreadableFileError as error:
        raise wanted.kind(f"{source}: not a readable zip ({error}); give a zip or a folder") from error
    with archive:
        infos = [info for info in archive.infolist() if wanted.includes(info.filename)]
        wanted.check_sizes({info.filename: info.file_size for info in infos})
        for info in infos:
            if reason := fault_of_entry(info):
                raise wanted.kind(f"{source}/{info.filename}: {reason}")
            yield info.filename, wanted.read(info.filename, partial(archive.open, info))


def _open(path: Path) -> IO[bytes]:
    return path.open("rb")


def _read_folder(wanted: _Wanted) -> Iterator[tuple[str, bytes]]:
    paths = [path for path in sorted(wanted.source.iterdir()) if wanted.includes(path.name + "/" * path.is_dir())]
    if special := next((path for path in paths if not path.is_file()), None):
        raise wanted.kind(f"{special}: is no file")
    wanted.check_sizes({path.name: path.stat().st_size for path in paths})
    for path in paths:
        yield path.name, wanted.read(path.name, partial(_open, path))
