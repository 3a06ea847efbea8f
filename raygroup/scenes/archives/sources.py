"""Read the files of folders, zips and tarballs through one interface.

Sizes are limited, and no entry is written to disk. Some entries are reported and left out: names
and links that lead out of the source, devices, encrypted entries and files that are too large.
"""

import os
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.archives.bounded_reading import ContentStream, read_bounded, read_errors_as_config, read_errors_as_unreadable
from raygroup.scenes.archives.members import SMALL_SUFFIXES, Listing, Member, ReportProblem
from raygroup.scenes.archives.tarballs import Tar, is_tar
from raygroup.scenes.archives.zips import Zip, is_zip


class Source(Protocol):
    """A folder or an archive."""

    path: Path

    @property
    def root(self) -> Path:
        """Return the path below which the names of its files lie."""

    def list(self, number: int, report: ReportProblem) -> tuple[Member, ...]:
        """Return the files that may be read, in the source's order.

        ``number`` is the source's number in its collection. Call this before ``read`` and ``stream``.
        """

    def read(self, name: str) -> bytes:
        """Return the content of a listed file, or raise UnreadableFileError."""

    def stream(self, names: Collection[str]) -> ContentStream:
        """Yield each file once, in the order that is fastest to read."""


def open_source(path: Path) -> Source:
    """Return the source at a path.

    Raises ConfigError if the path is no folder, archive or label file.
    """
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file or folder")
    with read_errors_as_config(path):
        if path.suffix.lower() in SMALL_SUFFIXES:
            return SingleFile(path)
        if is_zip(path):
            return Zip(path)
        if is_tar(path):
            return Tar(path)
    raise ConfigError(f"{path}: must be a folder, a zip, a tarball, or a label file ({', '.join(sorted(SMALL_SUFFIXES))})")


@dataclass
class Folder:
    """A folder with all its subfolders.

    Links to folders are not followed.
    """

    path: Path

    @property
    def root(self) -> Path:
        return self.path

    def list(self, number: int, report: ReportProblem) -> tuple[Member, ...]:
        listing = Listing(number, self.path, report)
        for entry in _files_below(self.path, listing):
            if listing.is_full:
                listing.report_overflow()
                break
            name = entry.path[len(os.fspath(self.path)) :].lstrip("/")
            if reason := _fault_of_entry(entry, self.path):
                listing.leave_out(name, reason)
            else:
                listing.add(name, entry.stat().st_size)
        return tuple(listing.members.values())

    def read(self, name: str) -> bytes:
        with read_errors_as_unreadable(), (self.path / name).open("rb") as file:
            return read_bounded(file)

    def stream(self, names: Collection[str]) -> ContentStream:
        for name in names:
            try:
                yield name, self.read(name)
            except UnreadableFileError as error:
                yield name, error


@dataclass
class SingleFile(Folder):
    """One label file, whose images are in other sources."""

    @property
    def root(self) -> Path:
        return self.path.parent

    def list(self, number: int, report: ReportProblem) -> tuple[Member, ...]:
        listing = Listing(number, self.path.parent, report)
        listing.add(self.path.name, self.path.stat().st_size)
        return tuple(listing.members.values())

    def read(self, name: str) -> bytes:
        with read_errors_as_unreadable(), self.path.open("rb") as file:
            return read_bounded(file)


class ImageFiles(Folder):
    """Image files, whatever their folders hold besides."""

    def __init__(self, files: Iterable[Path]) -> None:
        """Files that do not exist are left out."""
        files = [file for file in files if file.is_file()]
        super().__init__(Path(os.path.commonpath([os.path.abspath(file.parent) for file in files]) if files else os.curdir))
        self._files = files
        self.file_of: dict[str, Path] = {}
        """Name of a listed file -> its path as the caller spells it."""

    def list(self, number: int, report: ReportProblem) -> tuple[Member, ...]:
        listing = Listing(number, self.path, report)
        for file in self._files:
            if member := listing.add(os.path.relpath(file, self.path), file.stat().st_size):
                self.file_of[member.name] = file
        return tuple(listing.members.values())


def _files_below(root: Path, listing: Listing) -> Iterator["os.DirEntry[str]"]:
    """Yield every file below a folder, sorted by name within each folder."""
    waiting = [os.fspath(root)]
    while waiting:
        folder = waiting.pop()
        try:
            with os.scandir(folder) as scan:
                entries = sorted(scan, key=lambda entry: entry.name)
        except OSError as error:
            listing.leave_out(os.path.relpath(folder, root), f"the folder cannot be listed: {error.strerror}")
            continue
        yield from (entry for entry in entries if not entry.is_dir(follow_symlinks=False))
        waiting += [entry.path for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]


def _fault_of_entry(entry: "os.DirEntry[str]", root: Path) -> str:
    """Return why an entry cannot be read, or an empty text."""
    if entry.is_symlink():
        target = Path(os.path.realpath(entry.path))
        if not target.is_relative_to(os.path.realpath(root)):
            return "a link out of the folder: pass its target as another path"
        if target.is_dir():
            return "a link to a folder that is read already"
    if not entry.is_file():
        return "neither a file nor a folder"
    return "the name contains a backslash" if "\\" in entry.name else ""
