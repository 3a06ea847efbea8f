"""Label files of one line an instance: the frame that the text formats share."""

import codecs
import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from raygroup.scenes.collection import Collection
from raygroup.scenes.polygons import checked
from raygroup.scenes.scene import Instance, Polygon, Problems, Scene
from raygroup.scenes.scripts import task_of
from raygroup.scenes.sources import Member, UnreadableError

_LINE_END = re.compile(r"\r\n|\n")
_SHOWN = 60


class LineError(ValueError):
    """What a line should have been and what it was."""


@dataclass(frozen=True, slots=True)
class Parsed:
    """A line that was understood."""

    polygon: Polygon | None
    text: str
    dont_care: bool
    script: str | None = None


Parse = Callable[[str], Parsed]
"""A line without its end; raises LineError."""


@dataclass(frozen=True, kw_only=True)
class LineFormat:
    """A data set with one label file an image."""

    name: str
    title: str
    unit: str = "word"
    """``word``, or ``phrase`` where instances are lines of text."""
    pattern: re.Pattern[str]
    """Of the base names of its label files."""
    stems: Callable[[re.Match[str]], Sequence[str]]
    """The stems its image may have, likeliest first."""
    parse: Parse
    example: str
    """A line as it should be, for messages."""

    def label_files(self, collection: Collection) -> list[Member]:
        """The files that are its own by their names."""
        return [member for member, _ in collection.labels(self.pattern)]

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        """Every label file as a scene, in the order of the sources; problems go to the collection's."""
        for member, match in collection.labels(self.pattern):
            yield self.scene(collection, member, match)

    def scene(self, collection: Collection, member: Member, match: re.Match[str]) -> Scene:
        place, problems = collection.place(member), collection.problems
        stems = self.stems(match)
        image = collection.image_of(stems, place)
        try:
            instances = read_lines(collection.read(member), self.parse, place, problems)
        except UnreadableError as error:
            problems.add("label file unreadable", place, str(error))
            instances = ()
        return Scene(image.stem if image else stems[0], place, image, instances)

    def fits(self, collection: Collection, member: Member) -> str:
        """Empty where the first lines of a label file are this format's, else what was expected and seen."""
        try:
            lines = [*decoded_lines(collection.read(member), "", Problems())][:5]
            for _, line in lines:
                self.parse(line)
        except (LineError, UnreadableError) as error:
            return f"{collection.place(member)}: {error}; a line of {self.title} is {self.example}"
        return ""


def read_lines(content: bytes, parse: Parse, place: str, problems: Problems) -> tuple[Instance, ...]:
    """The instances of a label file; lines that are not understood and polygons that are broken are told of."""
    parsed: list[tuple[int, Parsed]] = []
    for number, line in decoded_lines(content, place, problems):
        try:
            parsed.append((number, parse(line)))
        except LineError as error:
            problems.add("line not understood", f"{place}:{number}", str(error))
    return tuple(instances(parsed, place, problems))


def instances(parsed: Sequence[tuple[int, Parsed]], place: str, problems: Problems) -> Iterator[Instance]:
    """What was parsed, with its polygons checked."""
    whole = [found.polygon is None for _, found in parsed]
    looked_at = iter(checked([found.polygon for _, found in parsed if found.polygon is not None]))
    for (number, found), is_whole in zip(parsed, whole, strict=True):
        polygon, said = (None, "") if is_whole else next(looked_at)
        if said:
            kind = "polygon rejected" if polygon is None else "polygon repaired"
            problems.add(kind, f"{place}:{number}", f"{said}; text {found.text[:_SHOWN]!r}")
        if polygon is not None or is_whole:
            yield Instance(polygon, found.text, found.dont_care, found.script, task_of(found.script), number)


def decoded_lines(content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, str]]:
    """Lines that hold something, with their numbers; a byte-order mark is dropped, a line that is not UTF-8 is told of."""
    try:
        text = content.removeprefix(codecs.BOM_UTF8).decode()
    except UnicodeDecodeError:
        yield from _line_by_line(content.removeprefix(codecs.BOM_UTF8), place, problems)
        return
    for number, line in enumerate(_LINE_END.split(text), start=1):
        if line and not line.isspace():
            yield number, line


def _line_by_line(content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, str]]:
    for number, raw in enumerate(content.split(b"\n"), start=1):
        try:
            line = raw.removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            problems.add("line not UTF-8", f"{place}:{number}", f"byte {error.start + 1} of the line is 0x{raw[error.start]:02x}")
            continue
        if line and not line.isspace():
            yield number, line


def quad(fields: Sequence[str]) -> Polygon:
    """Eight numbers as four corners; raises LineError naming the one that is none."""
    return points(fields[:8])


def points(fields: Sequence[str]) -> Polygon:
    """x, y, x, y, ...: (n, 2). Raises LineError naming the field that is no finite number."""
    try:
        flat = np.array([float(field) for field in fields])
    except ValueError:
        flat = np.array([np.nan])
    if not np.isfinite(flat).all():
        number, wrong = next((n, field) for n, field in enumerate(fields, start=1) if not _is_finite(field))
        raise LineError(f"coordinate {number} is {wrong[:_SHOWN]!r}, must be a number")
    return flat.reshape(-1, 2)


def split(line: str, count: int, what: str) -> list[str]:
    """``count`` comma-separated fields, the last with every further comma in it; raises LineError saying ``what`` they should be."""
    fields = line.split(",", count - 1)
    if len(fields) != count:
        raise LineError(f"expected {count} comma-separated fields ({what}), got {len(fields)}: {line[:_SHOWN]!r}")
    return fields


def _is_finite(field: str) -> bool:
    try:
        return bool(np.isfinite(float(field)))
    except ValueError:
        return False
