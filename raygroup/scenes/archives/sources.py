"""Where a data set's files lie: folders, zips and tarballs, read alike and within bounds; no entry is ever written to disk.

Names that lead out of a source, links out of it, devices, encrypted and over-long entries are told of and left out.
"""

import os
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from raygroup.errors import ConfigError, UnreadableFileError
from raygroup.scenes.archives.bounded_reading import Streamed, bounded, understood, unreadable
from raygroup.scenes.archives.members import SMALL_SUFFIXES, Listing, Member, Told
from raygroup.scenes.archives.tarballs import Tar, is_tar
from raygroup.scenes.archives.zips import Zip, is_zip

__all__ = ["Folder", "Member", "OneFile", "Source", "Tar", "UnreadableFileError", "Zip", "source_of"]


class Source(Protocol):
    """A folder or an archive."""

    path: Path

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        """The files that may be read, in their own order; called before anything is read."""

    def read(self, name: str) -> bytes:
        """A listed file; raises UnreadableFileError."""

    def stream(self, names: Collection[str]) -> Streamed:
        """The files of these names, each once, in the order in which they are read fastest."""


def source_of(path: Path) -> Source:
    """What a path is; raises ConfigError where it is neither a folder nor an archive nor a label file."""
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file or folder")
    with understood(path):
        if path.suffix.lower() in SMALL_SUFFIXES:
            return OneFile(path)
        if is_zip(path):
            return Zip(path)
        if is_tar(path):
            return Tar(path)
    raise ConfigError(f"{path}: must be a folder, a zip, a tarball, or a label file ({', '.join(sorted(SMALL_SUFFIXES))})")


@dataclass
class Folder:
    """A folder and everything below it; links to folders are not followed."""

    path: Path

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        listing = Listing(number, self.path, told)
        for entry in _below(self.path, listing):
            if listing.is_full:
                listing.end_early()
                break
            name = entry.path[len(os.fspath(self.path)) :].lstrip("/")
            if why := _fault_of_entry(entry, self.path):
                listing.leave_out(name, why)
            else:
                listing.take(name, entry.stat().st_size)
        return tuple(listing.found.values())

    def read(self, name: str) -> bytes:
        with unreadable(), (self.path / name).open("rb") as file:
            return bounded(file)

    def stream(self, names: Collection[str]) -> Streamed:
        for name in names:
            try:
                yield name, self.read(name)
            except UnreadableFileError as error:
                yield name, error


@dataclass
class OneFile(Folder):
    """A label file by itself; its images lie in other sources."""

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        listing = Listing(number, self.path.parent, told)
        listing.take(self.path.name, self.path.stat().st_size)
        return tuple(listing.found.values())

    def read(self, name: str) -> bytes:
        with unreadable(), self.path.open("rb") as file:
            return bounded(file)


def _below(folder: Path, listing: Listing) -> Iterator["os.DirEntry[str]"]:
    """Everything below a folder that is no folder, in the order of names."""
    waiting = [os.fspath(folder)]
    while waiting:
        here = waiting.pop()
        try:
            with os.scandir(here) as found:
                entries = sorted(found, key=lambda entry: entry.name)
        except OSError as error:
            listing.leave_out(os.path.relpath(here, folder), f"the folder cannot be listed: {error.strerror}")
            continue
        yield from (entry for entry in entries if not entry.is_dir(follow_symlinks=False))
        waiting += [entry.path for entry in reversed(entries) if entry.is_dir(follow_symlinks=False)]


def _fault_of_entry(entry: "os.DirEntry[str]", root: Path) -> str:
    if entry.is_symlink():
        target = Path(os.path.realpath(entry.path))
        if not target.is_relative_to(os.path.realpath(root)):
            return "a link out of the folder: give what it leads to as a path of its own"
        if target.is_dir():
            return "a link to a folder, which stands here already"
    if not entry.is_file():
        return "neither a file nor a folder"
    return "a backslash in its name" if "\\" in entry.name else ""
