"""The files of a ground truth or of a submission, out of a zip or a folder: known by the number in their names, bounded in size."""

import re
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from raygroup.errors import ConfigError

MAX_ENTRY_BYTES = 16 << 20
MAX_TOTAL_BYTES = 512 << 20
"""Of all entries read from one zip or folder; 20,000 images of 100 words take a fifth of it."""


@dataclass(frozen=True)
class Entry:
    """One file; ``place`` is what messages call it."""

    place: str
    content: bytes


def read_entries(source: Path, name: str, *, strict: bool, kind: type[ConfigError] = ConfigError) -> dict[str, Entry]:
    """Entries by the digits (a string: 1 is not 00001) that the expression ``name`` captures at the start of their names, in their order.

    Of two with the same digits the later one counts, in the place of the first. With ``strict`` an entry of another name is refused,
    otherwise it is passed over. Raises ``kind`` for what cannot be read and for what would grow beyond bounds.
    """
    found: dict[str, Entry] = {}
    for entry_name, content in _folder(source, name, strict, kind) if source.is_dir() else _zip(source, name, strict, kind):
        match = re.match(name, entry_name)
        assert match is not None
        found[match[1]] = Entry(f"{source}/{entry_name}", content)
    return found


def _zip(source: Path, name: str, strict: bool, kind: type[ConfigError]) -> Iterator[tuple[str, bytes]]:
    try:
        with zipfile.ZipFile(source) as archive:
            infos = [info for info in archive.infolist() if _wanted(source, info.filename, name, strict, kind)]
            _bounded(source, {info.filename: info.file_size for info in infos}, kind)
            for info in infos:
                yield info.filename, _content(archive, info, source, kind)
    except (OSError, zipfile.BadZipFile) as error:
        raise kind(f"{source}: not a readable zip ({error}); give a zip or a folder") from error


def _content(archive: zipfile.ZipFile, info: zipfile.ZipInfo, source: Path, kind: type[ConfigError]) -> bytes:
    try:
        return archive.read(info)
    except (zipfile.BadZipFile, zlib.error, EOFError, OSError, RuntimeError, NotImplementedError) as error:
        raise kind(f"{source}/{info.filename}: not readable: {error}") from error


def _folder(source: Path, name: str, strict: bool, kind: type[ConfigError]) -> Iterator[tuple[str, bytes]]:
    paths = [path for path in sorted(source.iterdir()) if _wanted(source, path.name + "/" * path.is_dir(), name, strict, kind)]
    _bounded(source, {path.name: path.stat().st_size for path in paths}, kind)
    for path in paths:
        try:
            yield path.name, path.read_bytes()
        except OSError as error:
            raise kind(f"{path}: not readable: {error.strerror}") from error


def _wanted(source: Path, entry: str, name: str, strict: bool, kind: type[ConfigError]) -> bool:
    wanted = re.match(name, entry) is not None
    if strict and not wanted:
        raise kind(f"{source}: entry {entry!r} does not belong there: every entry must be called like {_example(name)}, in no folder")
    return wanted


def _bounded(source: Path, sizes: dict[str, int], kind: type[ConfigError]) -> None:
    for entry, size in sizes.items():
        if size > MAX_ENTRY_BYTES:
            raise kind(f"{source}/{entry}: unpacks to {size} bytes: one file may have {MAX_ENTRY_BYTES}")
    if sum(sizes.values()) > MAX_TOTAL_BYTES:
        raise kind(f"{source}: unpacks to {sum(sizes.values())} bytes: all files together may have {MAX_TOTAL_BYTES}")


def _example(name: str) -> str:
    return re.sub(r"\\(.)", r"\1", name.replace("([0-9]+)", "00001"))
