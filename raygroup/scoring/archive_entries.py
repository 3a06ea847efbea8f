"""Read the numbered files of a zip or a folder.

They are a ground truth or a submission. Sizes are bounded, because a submission may come from
anybody.
"""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from raygroup.errors import ConfigError

MAX_ENTRY_BYTES = 16 << 20
MAX_TOTAL_BYTES = 512 << 20
"""Limit for all entries of one zip or folder. 20,000 images of 100 words take a fifth of it."""


@dataclass(frozen=True)
class ArchiveEntry:
    """One file of a zip or a folder."""

    location: str
    """Its name in messages."""
    content: bytes


def read_entries(source: Path, name: str, *, strict: bool, kind: type[ConfigError] = ConfigError) -> dict[str, ArchiveEntry]:
    """Return the entries whose names begin as ``name`` demands, in their order.

    ``name`` is a regular expression. The keys are the digits that it captures. They are strings: 1
    is not 00001. If two entries have the same digits, the later one takes the place of the first.
    With ``strict``, an entry of another name raises an error. Otherwise it is skipped. Raises
    ``kind`` for an unreadable source and for one that would grow beyond the limits.
    """
    entries: dict[str, ArchiveEntry] = {}
    for entry_name, content in _read_folder(source, name, strict, kind) if source.is_dir() else _read_zip(source, name, strict, kind):
        match = re.match(name, entry_name)
        assert match is not None
        entries[match[1]] = ArchiveEntry(f"{source}/{entry_name}", content)
    return entries


def _read_zip(source: Path, name: str, strict: bool, kind: type[ConfigError]) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(source) as archive:
            infos = [info for info in archive.infolist() if _is_wanted(source, info.filename, name, strict, kind)]
            _check_sizes(source, {info.filename: info.file_size for info in infos}, kind)
            for info in infos:
                yield info.filename, _read_zip_entry(archive, info, source, kind)
    except (OSError, zipfile.BadZipFile) as error:
        raise kind(f"{source}: not a readable zip ({error}); give a zip or a folder") from error


def _read_zip_entry(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Path, kind: type[ConfigError]) -> bytes:
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise kind(f"{source}/{info.filename}: not readable: {error}") from error


def _read_folder(source: Path, name: str, strict: bool, kind: type[ConfigError]) -> Iterator[tuple[str, bytes]]:
    paths = [path for path in sorted(source.iterdir()) if _is_wanted(source, path.name + "/" * path.is_dir(), name, strict, kind)]
    _check_sizes(source, {path.name: path.stat().st_size for path in paths}, kind)
    for path in paths:
        try:
            yield path.name, path.read_bytes()
        except OSError as error:
            raise kind(f"{path}: not readable: {error.strerror}") from error


def _is_wanted(source: Path, entry: str, name: str, strict: bool, kind: type[ConfigError]) -> bool:
    is_wanted = re.match(name, entry) is not None
    if strict and not is_wanted:
        raise kind(f"{source}: entry {entry!r} does not belong there: every entry must be called like {_example(name)}, in no folder")
    return is_wanted


def _check_sizes(source: Path, sizes: dict[str, int], kind: type[ConfigError]) -> None:
    for entry, size in sizes.items():
        if size > MAX_ENTRY_BYTES:
            raise kind(f"{source}/{entry}: unpacks to {size} bytes: one file may have {MAX_ENTRY_BYTES}")
    if sum(sizes.values()) > MAX_TOTAL_BYTES:
        raise kind(f"{source}: unpacks to {sum(sizes.values())} bytes: all files together may have {MAX_TOTAL_BYTES}")


def _example(name: str) -> str:
    """Return a file name that the expression matches, for messages."""
    return re.sub(r"\\(.)", r"\1", name.replace("([0-9]+)", "00001"))
