"""A file of a data set, and which names and sizes of files are taken at all."""

import re
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath, PureWindowsPath

MAX_BYTES = 256 << 20
"""Of one file: more is no photograph."""
MAX_LABEL_BYTES = {".txt": 32 << 20, ".list": 32 << 20, ".lst": 32 << 20, ".csv": 32 << 20, ".json": 128 << 20, ".mat": 1 << 20}
"""Of one label file, by suffix; the largest of Table 1's are LSVT19's, some 40 MB of JSON."""
SMALL_SUFFIXES = frozenset(MAX_LABEL_BYTES)
"""Label files, which are read again and again."""
MAX_MEMBERS = 2_000_000
"""Of one source: seven times the files of SynthTextMLT's largest part."""
MAX_RATIO = 200
"""Unpacked bytes over packed ones, of a whole archive larger than ``FREE_BYTES`` unpacked."""
FREE_BYTES = 1 << 30

_SYSTEM = re.compile(r"(?:^|/)(?:__MACOSX/|\._[^/]*$|(?:Thumbs\.db|\.DS_Store|desktop\.ini)$)")
_CONTROL = re.compile("[\0-\x1f\x7f-\x9f\ud800-\udfff]")
_MAX_NAME = 1024

Told = Callable[[str, str, str], None]
"""Takes the kind, the place and the words of a problem."""


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
        return suffix_of(self.name)

    @property
    def base(self) -> str:
        return self.name.rsplit("/", 1)[-1]


@dataclass
class Listing:
    """A source while it is listed: which of its files are taken; what is left out is told of."""

    number: int
    path: Path
    told: Told
    room: int | None = None
    """Bytes that may still be unpacked, where the source is an archive."""
    found: dict[str, Member] = field(default_factory=dict)

    @property
    def is_full(self) -> bool:
        return len(self.found) >= MAX_MEMBERS

    def take(self, spelled: str, size: int) -> Member | None:
        """The file, unless its name or its size forbids it; ``spelled`` as the source has it."""
        name = plain(spelled)
        if _SYSTEM.search(name):
            return None
        if why := _fault_of_name(spelled) or self._fault(name, size):
            self.leave_out(spelled, why)
            return None
        if self.room is not None:
            self.room -= size
        self.found[name] = member = Member(self.number, name, size)
        return member

    def leave_out(self, name: str, why: str) -> None:
        self.told("entry left out", f"{self.path}/{shown(name)}", why)

    def end_early(self) -> None:
        self.told("source too large", str(self.path), f"more than {MAX_MEMBERS:,} files: those after them are left out")

    def _fault(self, name: str, size: int) -> str:
        if name in self.found:
            return "this name stands here twice; the first is taken"
        most = MAX_LABEL_BYTES.get(suffix_of(name), MAX_BYTES)
        if size > most:
            return f"{size:,} bytes: at most {most >> 20} MB are read of such a file"
        if self.room is not None and size > self.room:
            return f"the archive would unpack to more than {MAX_RATIO} times its size: what is over that is left out"
        return ""


def room_of(packed: int) -> int:
    """Bytes that an archive of ``packed`` bytes may unpack to."""
    return max(FREE_BYTES, MAX_RATIO * packed)


def plain(name: str) -> str:
    """A name as it is looked up: ``/`` between folders, none of them empty or ``.``."""
    parts = name.replace("\\", "/").split("/")
    return "/".join(part for part in parts if part not in ("", "."))


def leads_out(name: str) -> bool:
    """Whether a path is absolute, on a Windows drive, or climbs to a parent folder."""
    return name.startswith(("/", "\\")) or ".." in name.replace("\\", "/").split("/") or bool(PureWindowsPath(name).drive)


def shown(name: str) -> str:
    """A name as messages may print it: in whole characters, without control codes, not endless."""
    short = name if len(name) <= _MAX_NAME else f"{name[:60]}..."
    return ascii(short) if _CONTROL.search(short) else short


def suffix_of(name: str) -> str:
    base = name.rsplit("/", 1)[-1]
    return f".{base.rsplit('.', 1)[1].lower()}" if "." in base[1:] else ""


def _fault_of_name(name: str) -> str:
    if leads_out(name):
        return f"the name {shown(name)} leads out of the archive"
    if len(name) > _MAX_NAME:
        return f"a name of {len(name):,} characters, at most {_MAX_NAME} are taken"
    if _CONTROL.search(name):
        return "the name holds control codes or is not UTF-8"
    return "" if plain(name) else "no name"
