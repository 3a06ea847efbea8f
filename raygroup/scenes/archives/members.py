"""The files of a source, with limits on names and sizes."""

import re
import unicodedata
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

MAX_BYTES = 256 << 20
"""Bytes of one file; no photograph is larger."""
MAX_LABEL_BYTES = {".txt": 32 << 20, ".list": 32 << 20, ".lst": 32 << 20, ".csv": 32 << 20, ".json": 128 << 20, ".mat": 1 << 20}
"""Bytes of one label file, by suffix.

The largest file of Table 1's data sets is LSVT19's JSON, about 40 MB.
"""
SMALL_SUFFIXES = frozenset(MAX_LABEL_BYTES)
"""Suffixes of label files, which are read several times."""
MAX_MEMBERS = 2_000_000
"""Files of one source: seven times as many as in SynthTextMLT's largest part."""
MAX_RATIO = 200
"""Unpacked bytes per packed byte, for archives that unpack to more than ``FREE_BYTES``."""
FREE_BYTES = 1 << 30
"""Bytes that any archive may unpack to."""

_SYSTEM = re.compile(r"(?:^|/)(?:__MACOSX/|\._[^/]*$|(?:Thumbs\.db|\.DS_Store|desktop\.ini)$)")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_MAX_NAME = 1024

ReportProblem = Callable[[str, str, str], None]
"""Takes the kind, the place and the description of a problem."""


@dataclass(frozen=True, slots=True)
class Member:
    """A file of a source."""

    source: int
    """Number of the source in its collection."""
    name: str
    """Path relative to the source, with ``/`` between folders."""
    size: int

    @property
    def stem(self) -> str:
        return PurePosixPath(self.name).stem

    @property
    def suffix(self) -> str:
        return suffix_of(self.name)

    @property
    def base(self) -> str:
        return self.name.rsplit("/", 1)[-1]


@dataclass
class Listing:
    """The list of a source's files, while it grows.

    Every file that is left out is reported, except files of the operating system.
    """

    number: int
    path: Path
    report: ReportProblem
    bytes_left: int | None = None
    """Bytes that may still be unpacked; None for a folder or a tarball."""
    members: dict[str, Member] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return len(self.members) >= MAX_MEMBERS

    def add(self, raw_name: str, size: int) -> Member | None:
        """Add a file unless its name or size is forbidden.

        ``raw_name`` is the name as the source spells it.
        """
        name = normalise_name(raw_name)
        if _SYSTEM.search(name):
            return None
        if reason := _fault_of_name(raw_name) or self._fault(name, size):
            self.leave_out(raw_name, reason)
            return None
        if self.bytes_left is not None:
            self.bytes_left -= size
        self.members[name] = member = Member(self.number, name, size)
        return member

    def leave_out(self, name: str, reason: str) -> None:
        self.report("entry left out", f"{self.path}/{printable_name(name)}", reason)

    def report_overflow(self) -> None:
        self.report("source too large", str(self.path), f"more than {MAX_MEMBERS:,} files: the rest is left out")

    def _fault(self, name: str, size: int) -> str:
        """Return why the file cannot be added, or an empty text."""
        if name in self.members:
            return "a second file of this name; the first is taken"
        limit = MAX_LABEL_BYTES.get(suffix_of(name), MAX_BYTES)
        if size > limit:
            return f"{size:,} bytes: files of this kind may have at most {limit >> 20} MB"
        if self.bytes_left is not None and size > self.bytes_left:
            return f"the archive would unpack to more than {MAX_RATIO} times its size: files beyond that are left out"
        return ""


def max_unpacked_bytes(packed_bytes: int) -> int:
    """Return how many bytes an archive of ``packed_bytes`` may unpack to."""
    return max(FREE_BYTES, MAX_RATIO * packed_bytes)


def normalise_name(name: str) -> str:
    """Return a name with ``/`` between folders, without empty or ``.`` folders."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def leads_out(name: str) -> bool:
    """Return whether a path can lead out of its source.

    It can if it is absolute, on a Windows drive, or contains ``..``.
    """
    return name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or bool(PureWindowsPath(name).drive)


def printable_name(name: str) -> str:
    """Return a name that is safe to print.

    Control codes are escaped, and long names are cut.
    """
    short = name if len(name) <= _MAX_NAME else f"{name[:60]}..."
    return ascii(short) if _CONTROL.search(short) else short


def fold_name(name: str) -> str:
    """Return a name in the form in which names are compared.

    Case does not count, nor whether letters and their marks are composed: macOS writes file names
    decomposed, labels name them composed.
    """
    return name.casefold() if name.isascii() else unicodedata.normalize("NFC", unicodedata.normalize("NFC", name).casefold())


def suffix_of(name: str) -> str:
    base = name.rsplit("/", 1)[-1]
    return f".{base.rsplit('.', 1)[1].lower()}" if "." in base[1:] else ""


def _fault_of_name(name: str) -> str:
    """Return why a name is forbidden, or an empty text."""
    if leads_out(name):
        return f"the name {printable_name(name)} leads out of the archive"
    if len(name) > _MAX_NAME:
        return f"the name has {len(name):,} characters: at most {_MAX_NAME} are allowed"
    if _CONTROL.search(name):
        return "the name holds control codes or is not UTF-8"
    return "" if normalise_name(name) else "the name is empty"
