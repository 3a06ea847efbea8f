"""SynthTextMLT: synthetic scenes, a zip a language, in two layouts.

``Lang.zip`` holds images and ``cls x y w h angle text`` separated by blanks: the centre over the image's width and height, the sides
over its diagonal sqrt(width^2 + height^2), the angle in radians, clockwise as seen. The loader of E2E-MLT takes sqrt(2 height^2) for the
diagonal, against its own README; ``synthtextmlt-e2e`` does as it does. ``Lang_gt.zip`` holds MLT's lines with float coordinates
(``synthtextmlt-gt``). ``*`` and what begins with ``###`` are don't-cares.

Most Hindi images have bad labels: where the list of good ones, ``Hindi_keep.list``, is given or in the collection, the others are left out.
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from raygroup.errors import ImageError, LabelError, UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats import mlt
from raygroup.scenes.formats.hindi import without_bad_hindi
from raygroup.scenes.formats.label_lines import numbers, read_lines
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import SHOWN, Labelled, Parsed, finished
from raygroup.scenes.formats.script_names import MLT19_OF_TASK, MLT19_SCRIPTS, task_of
from raygroup.scenes.images import read_header
from raygroup.scenes.scene import Scene

_GT_FOLDER = re.compile(rf"(?:{'|'.join(MLT19_OF_TASK.values())})_gt/", re.IGNORECASE)
_OUTSIDE = 2.0
"""Centres and sides are shares of the image, and words may begin outside."""


def parse(line: str) -> Parsed:
    """Its corners are centre x, y, width, height, angle: the image's size makes pixels of them."""
    fields = line.split(None, 6)
    if len(fields) < 6:
        raise LabelError(f"expected cls x y w h angle text, got {len(fields)} fields: {line[:SHOWN]!r}")
    box = numbers(fields[1:6])
    if not all(-_OUTSIDE <= share <= _OUTSIDE for share in box[:4]):
        raise LabelError(f"x y w h are {' '.join(fields[1:5])[:SHOWN]}, must be shares of the image")
    if not math.isfinite(box[4]) or not fields[0].lstrip("-").isdigit():
        raise LabelError(f"expected a class and an angle, got {fields[0][:SHOWN]!r} and {fields[5][:SHOWN]!r}")
    text = fields[6] if len(fields) > 6 else ""
    return Parsed(box, text, _is_dont_care(text))


def parse_gt(line: str) -> Parsed:
    found = mlt.parse(line)
    return dataclasses.replace(found, dont_care=_is_dont_care(found.text))


def corners(box: Sequence[float], width: int, height: int, is_e2e: bool) -> tuple[float, ...]:
    """x, y, ... of the four corners in pixels, clockwise as seen from the top left of the upright word."""
    x, y, w, h, angle = box
    diagonal = math.hypot(height, height) if is_e2e else math.hypot(width, height)
    cos, sin = math.cos(angle) * diagonal / 2, math.sin(angle) * diagonal / 2
    return tuple(
        value
        for across, down in ((-w, -h), (w, -h), (w, h), (-w, h))
        for value in (x * width + across * cos - down * sin, y * height + across * sin + down * cos)
    )


@dataclass(frozen=True, kw_only=True)
class SynthTextMLT:
    """Either layout with the rule for Hindi."""

    lines: LineFormat
    is_e2e: bool = False
    keep_list: Path | None = None
    """The names of the good Hindi images, where they are not in the collection."""

    @property
    def name(self) -> str:
        return self.lines.name

    @property
    def title(self) -> str:
        return self.lines.title

    @property
    def unit(self) -> str:
        return self.lines.unit

    @property
    def is_exact(self) -> bool:
        return self.lines.is_exact

    @property
    def is_one_file(self) -> bool:
        return False

    def label_files(self, collection: Collection) -> list[Member]:
        return self.lines.label_files(collection)

    def fits(self, collection: Collection, member: Member, is_forced: bool) -> str:
        return self.lines.fits(collection, member, is_forced or bool(_GT_FOLDER.search(_path(collection, member))))

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        labelled = self._from_gt(collection) if self.lines.parse is parse_gt else self._from_shares(collection)
        return finished(without_bad_hindi(labelled, collection, self.keep_list), collection.problems)

    def _from_gt(self, collection: Collection) -> Iterator[Labelled]:
        return self.lines.labelled(collection)

    def _from_shares(self, collection: Collection) -> Iterator[Labelled]:
        """In the order of the images, whose sizes are read."""
        files: dict[Member, Member] = {}
        for member, match in collection.label_files(ANY_NAME):
            image = collection.image_of(self.lines.stems(match), collection.place(member), member)
            if image is None:
                yield Labelled(member.stem, collection.place(member), None)
            elif image in files:
                collection.problems.add(
                    "two label files", collection.place(member), f"so is {collection.place(files[image])}, which is taken"
                )
            else:
                files[image] = member
        for image, content in collection.stream(files):
            yield self._in_pixels(collection, files[image], image, content)

    def _in_pixels(self, collection: Collection, member: Member, image: Member, content: bytes | UnreadableFileError) -> Labelled:
        place, problems = collection.place(member), collection.problems
        try:
            if isinstance(content, UnreadableFileError):
                raise content
            size = read_header(content)
            shares = read_lines(collection.read(member), parse, place, problems)
        except (UnreadableFileError, ImageError) as error:
            problems.add("labels without size", place, f"the image or its labels cannot be read: {error}")
            return Labelled(image.stem, place, image)
        script = _language(collection, member)
        found = [
            (number, dataclasses.replace(one, corners=corners(one.corners or (), size.width, size.height, self.is_e2e), script=script))
            for number, one in shares
        ]
        return Labelled(image.stem, place, image, found)


def _language(collection: Collection, member: Member) -> str | None:
    """The script that the nearest folder, or else the archive, is called by."""
    for part in reversed(_path(collection, member).split("/")[:-1]):
        for script in MLT19_SCRIPTS:
            if task_of(script) and script.casefold() in part.casefold():
                return script
    return None


def _path(collection: Collection, member: Member) -> str:
    """With the name of the archive and of its folder."""
    path = collection.paths[member.source].absolute()
    return f"{path.parent.name}/{path.stem}/{member.name}"


def _is_dont_care(text: str) -> bool:
    return text == "*" or text.startswith("###")


def _doubt_gt(first: Sequence[Parsed]) -> str:
    if all(value == int(value) for found in first for value in found.corners or () if math.isfinite(value)):
        return "no coordinate has a fraction"
    return mlt.doubt(first)


_LINES = LineFormat(
    name="synthtextmlt",
    title="SynthTextMLT",
    pattern=ANY_NAME,
    stems=stems_of_any_name,
    parse=parse,
    example="0 0.512 0.334 0.105 0.031 -0.087 शब्द",
)
SYNTHTEXTMLT = SynthTextMLT(lines=_LINES)
SYNTHTEXTMLT_E2E = SynthTextMLT(lines=dataclasses.replace(_LINES, name="synthtextmlt-e2e"), is_e2e=True)
SYNTHTEXTMLT_GT = SynthTextMLT(
    lines=LineFormat(
        name="synthtextmlt-gt",
        title="SynthTextMLT (gt)",
        pattern=ANY_NAME,
        stems=stems_of_any_name,
        parse=parse_gt,
        doubt=_doubt_gt,
        example="131.5,34.2,181.0,34.2,179.4,47.0,131.1,49.3,Hindi,शब्द",
    )
)
