"""Where a data set's files lie: folders, zips and tarballs, read alike and within bounds; no entry is ever written to disk.

Names that lead out of an archive, links, devices, encrypted and over-long entries are told of and left out.
"""

import contextlib
import lzma
import tarfile
import zipfile
import zlib
from collections.abc import Callable, Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePosixPath, PureWindowsPath
from typing import IO, Protocol

from raygroup.config import ConfigError

MAX_BYTES = 256 << 20
"""Of one file: more is no label file and no photograph."""
SMALL_SUFFIXES = frozenset({".txt", ".json", ".mat", ".csv", ".list", ".lst"})
"""Label files, which are read again and again."""

_SMALL_BYTES = 1 << 30
"""Of all label files of a tarball together, which are kept while it is listed: it cannot be read out of order."""
_LEFT_OUT = ("__MACOSX/", "Thumbs.db", ".DS_Store", "desktop.ini")
_BROKEN = (
    OSError,
    EOFError,
    ValueError,
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    tarfile.TarError,
    NotImplementedError,
    RuntimeError,
)
"""What the archive libraries raise for bytes that are not what they say."""

Told = Callable[[str, str, str], None]
"""Takes the kind, the place and the words of a problem."""


class UnreadableError(ValueError):
    """A file of a data set that cannot be read, and why."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a source."""

    source: int
    """Number of the source in its collection."""
    name: str
    """With ``/`` between folders, relative to the source."""
    size: int

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return PurePosixPath(self.name).suffix.lower()

    @property
    def base(self) -> str:
        return PurePosixPath(self.name).name


class Source(Protocol):
    """A folder or an archive."""

    path: Path

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        """The files that may be read, in their own order."""

    def read(self, name: str) -> bytes:
        """A listed file; raises UnreadableError."""

    def stream(self, names: Collection[str]) -> Iterator[tuple[str, bytes | UnreadableError]]:
        """The files of these names, each once, in the order in which they are read fastest."""


def source_of(path: Path) -> Source:
    """What a path is; raises ConfigError where it is neither a folder nor an archive nor a label file."""
    if path.is_dir():
        return Folder(path)
    if not path.is_file():
        raise ConfigError(f"{path}: no such file or folder")
    with _understood(path):
        if zipfile.is_zipfile(path):
            return Zip(path)
        if tarfile.is_tarfile(path):
            return Tar(path)
    if path.suffix.lower() in SMALL_SUFFIXES:
        return OneFile(path)
    raise ConfigError(f"{path}: must be a folder, a zip, a tarball, or a label file ({', '.join(sorted(SMALL_SUFFIXES))})")


@dataclass
class Folder:
    """A folder and everything below it."""

    path: Path

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        found = []
        for path in sorted(self.path.rglob("*")):
            name = path.relative_to(self.path).as_posix()
            if path.is_file() and not _is_left_out(name):
                size = path.stat().st_size
                if _is_taken(name, size, f"{self.path}/{name}", told):
                    found.append(Member(number, name, size))
        return tuple(found)

    def read(self, name: str) -> bytes:
        with _unreadable(), (self.path / name).open("rb") as file:
            return _bounded(file)

    def stream(self, names: Collection[str]) -> Iterator[tuple[str, bytes | UnreadableError]]:
        return _one_by_one(self, names)


@dataclass
class OneFile(Folder):
    """A label file by itself; its images lie in other sources."""

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        size = self.path.stat().st_size
        return (Member(number, self.path.name, size),) if _is_taken(self.path.name, size, str(self.path), told) else ()

    def read(self, name: str) -> bytes:
        with _unreadable(), self.path.open("rb") as file:
            return _bounded(file)


@dataclass
class Zip:
    """A zip archive, which any entry can be read from."""

    path: Path

    def __post_init__(self) -> None:
        with _understood(self.path):
            self._archive = zipfile.ZipFile(self.path)

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        found: dict[str, Member] = {}
        for entry in self._archive.infolist():
            name, place = entry.filename, f"{self.path}/{entry.filename}"
            if entry.is_dir() or _is_left_out(name):
                continue
            if entry.flag_bits & 1:
                told("entry left out", place, "the entry is encrypted; unpack the archive and give the folder")
            elif name in found:
                told("entry left out", place, "the archive holds this name twice; the first is taken")
            elif _is_inside(name, place, told) and _is_taken(name, entry.file_size, place, told):
                found[name] = Member(number, name, entry.file_size)
        self._entries = {entry.filename: entry for entry in reversed(self._archive.infolist())}
        return tuple(found.values())

    def read(self, name: str) -> bytes:
        with _unreadable(), self._archive.open(self._entries[name]) as file:
            return _bounded(file)

    def stream(self, names: Collection[str]) -> Iterator[tuple[str, bytes | UnreadableError]]:
        return _one_by_one(self, sorted(names, key=lambda name: self._entries[name].header_offset))


@dataclass
class Tar:
    """A tarball, compressed or not, which is read from its beginning each time: once to list it and keep its label files, once for the
    images."""

    path: Path

    def list(self, number: int, told: Told) -> tuple[Member, ...]:
        found: dict[str, Member] = {}
        self._small: dict[str, bytes] = {}
        room = _SMALL_BYTES
        try:
            for entry, file in self._entries():
                name, place = _plain(entry.name), f"{self.path}/{entry.name}"
                if entry.isdir() or _is_left_out(name):
                    continue
                if not entry.isfile():
                    told("entry left out", place, "the entry is a link or a device, must be a file")
                elif name in found:
                    told("entry left out", place, "the archive holds this name twice; the first is taken")
                elif _is_inside(name, place, told) and _is_taken(name, entry.size, place, told):
                    found[name] = Member(number, name, entry.size)
                    if found[name].suffix in SMALL_SUFFIXES and entry.size <= room:
                        self._small[name] = _bounded(file)
                        room -= entry.size
                if entry.size > MAX_BYTES:
                    break
        except _BROKEN as error:
            told("archive damaged", str(self.path), f"the archive cannot be read beyond its first {len(found)} files: {error}")
        return tuple(found.values())

    def read(self, name: str) -> bytes:
        if name in self._small:
            return self._small[name]
        content = next((content for _, content in self.stream({name})), UnreadableError("no such entry"))
        if isinstance(content, UnreadableError):
            raise content
        return content

    def stream(self, names: Collection[str]) -> Iterator[tuple[str, bytes | UnreadableError]]:
        left = set(names)
        with contextlib.suppress(*_BROKEN):
            for entry, file in self._entries():
                name = _plain(entry.name)
                if name in left and entry.isfile():
                    left.discard(name)
                    try:
                        content: bytes | UnreadableError = _bounded(file)
                    except _BROKEN as error:
                        content = UnreadableError(str(error))
                    yield name, content
                if not left or entry.size > MAX_BYTES:
                    break
        for name in sorted(left):
            yield name, UnreadableError("the archive is damaged before this entry")

    def _entries(self) -> Iterator[tuple[tarfile.TarInfo, IO[bytes]]]:
        with tarfile.open(self.path, "r|*") as archive:
            for entry in archive:
                yield entry, archive.extractfile(entry) if entry.isfile() else None  # type: ignore[misc]


def _one_by_one(source: Source, names: Collection[str]) -> Iterator[tuple[str, bytes | UnreadableError]]:
    for name in names:
        try:
            yield name, source.read(name)
        except UnreadableError as error:
            yield name, error


def _bounded(file: IO[bytes]) -> bytes:
    content = file.read(MAX_BYTES + 1)
    if len(content) > MAX_BYTES:
        raise UnreadableError(f"more than {MAX_BYTES >> 20} MB, whatever its header says")
    return content


def _is_taken(name: str, size: int, place: str, told: Told) -> bool:
    if size > MAX_BYTES:
        told("entry left out", place, f"{size:,} bytes, at most {MAX_BYTES >> 20} MB are read of one file")
    return size <= MAX_BYTES


def _is_inside(name: str, place: str, told: Told) -> bool:
    inside = not (name.startswith("/") or ".." in name.replace("\\", "/").split("/") or PureWindowsPath(name).drive or "\0" in name)
    if not inside:
        told("entry left out", place, f"the name {name!r} leads out of the archive")
    return inside


def _is_left_out(name: str) -> bool:
    return any(part in name for part in _LEFT_OUT) or name.rsplit("/", 1)[-1].startswith("._")


def _plain(name: str) -> str:
    return name.removeprefix("./")


@contextlib.contextmanager
def _unreadable() -> Iterator[None]:
    try:
        yield
    except UnreadableError:
        raise
    except _BROKEN as error:
        raise UnreadableError(str(error) or type(error).__name__) from error


@contextlib.contextmanager
def _understood(path: Path) -> Iterator[None]:
    try:
        yield
    except _BROKEN as error:
        raise ConfigError(f"{path}: not readable as an archive: {error}") from error
