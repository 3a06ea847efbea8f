"""Say why no format fits the label files of a data set.

The formats whose example is most like the first line come first.
"""

import difflib
import re
from collections.abc import Mapping
from dataclasses import dataclass

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.syntax.label_lines import decode_lines
from raygroup.scenes.scene import Problems

MAX_MESSAGE = 300
_NUM_NAMED = 2
_MAX_PATHS = 80
_MAX_LINE = 200
_COCO_KEY = b'"imgToAnns"'
_NAME_WEIGHT = 0.2
"""Weight of a file name that only this format uses."""
_TAIL = "; --format NAME tells more"


@dataclass(frozen=True)
class Candidate:
    """A format that does not fit."""

    example: str
    """Correct line."""
    file: Member
    """Its first label file."""
    reason: str
    allows_any_name: bool
    """Whether every text file may be a label file of this format."""

    def likeness(self, line: str) -> float:
        """Return how alike a line and the example are, where a number or a word counts as one sign."""
        alike = difflib.SequenceMatcher(None, _shape(line), _shape(self.example), autojunk=False).ratio()
        return alike + (0 if self.allows_any_name else _NAME_WEIGHT)


def unfit_message(collection: Collection, candidates: Mapping[str, Candidate]) -> str:
    """Return the likeliest formats with their reasons, at most 300 characters.

    ``candidates`` are the formats by name.
    """
    paths = ", ".join(map(str, collection.paths))
    start = paths if len(paths) <= _MAX_PATHS else f"...{paths[-_MAX_PATHS:]}"
    if coco := _coco_file(collection):
        return f"{start}: {coco}: COCO-Text's labels: raygroup writes this format and does not read it; export the data in another layout"
    first_lines = {member: _first_line(collection, member) for member in {known.file for known in candidates.values()}}
    by_likeness = sorted(candidates, key=lambda name: -candidates[name].likeness(first_lines[candidates[name].file]))
    named = by_likeness[:_NUM_NAMED]
    start = f"{start}: not of any known format; the likeliest are "
    length = (MAX_MESSAGE - len(start) - len(_TAIL)) // len(named) - 2
    return start + "; ".join(_shorten(f"{name}: {candidates[name].reason.split('; a line of')[0]}", length) for name in named) + _TAIL


def _first_line(collection: Collection, member: Member) -> str:
    try:
        lines = decode_lines(collection.read(member), "", Problems())
        return next((line[:_MAX_LINE] for _, line in lines), "")
    except UnreadableFileError:
        return ""


def _shape(line: str) -> str:
    return re.sub(r"[^\W\d_]+", "a", re.sub(r"-?\d+(?:\.\d+)?", "0", line))


def _shorten(text: str, length: int) -> str:
    return text if len(text) <= length else f"{text[: length - 3]}..."


def _coco_file(collection: Collection) -> str:
    for member in collection.members:
        if member.suffix == ".json":
            try:
                if _COCO_KEY in collection.read(member):
                    return collection.place(member)
            except UnreadableFileError:
                continue
    return ""
