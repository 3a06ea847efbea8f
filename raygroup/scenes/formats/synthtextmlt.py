"""SynthTextMLT: synthetic scenes, one zip per language, in two formats.

``Lang.zip`` holds images and lines ``cls x y w h angle text``, separated by blanks. The centre x, y
is divided by the image's width and height. The sides w, h are divided by its diagonal, sqrt(width^2
+ height^2). The angle is in radians, clockwise as seen. E2E-MLT's loader uses sqrt(2 height^2) as
the diagonal, against its own README; ``synthtextmlt-e2e`` does the same. ``Lang_gt.zip`` holds
lines of MLT with float coordinates (``synthtextmlt-gt``). The text ``*`` and texts that begin with
``###`` are don't-cares.

Most Hindi images have bad labels. ``Hindi_keep.list`` names the good ones. If the user passes the
list or the collection contains it, the other Hindi images are left out.
"""

import dataclasses
import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from raygroup.errors import ImageError, LabelError, UnreadableFileError
from raygroup.images.header import read_header
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats import mlt
from raygroup.scenes.formats.hindi import drop_bad_hindi
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import MAX_SHOWN, LabelledImage, ParsedInstance, build_scenes
from raygroup.scenes.formats.script_names import MLT19_OF_TASK, MLT19_SCRIPTS, task_of
from raygroup.scenes.formats.syntax.label_lines import parse_numbers, read_lines
from raygroup.scenes.scene import Scene
from raygroup.words.dont_care import ANY_MARK, HASHES, is_dont_care

_GT_FOLDER = re.compile(rf"(?:{'|'.join(MLT19_OF_TASK.values())})_gt/", re.IGNORECASE)
_MAX_SHARE = 2.0
"""Largest centre or side, as a share of the image. Words may begin outside it."""


def parse(line: str) -> ParsedInstance:
    """Parse a line of centre, sides, angle and text.

    The corners of the result are centre x, y, width, height, angle. ``corners`` turns them into
    pixels when the image's size is known.
    """
    fields = line.split(None, 6)
    if len(fields) < 6:
        raise LabelError(f"expected cls x y w h angle text, got {len(fields)} fields: {line[:MAX_SHOWN]!r}")
    box = parse_numbers(fields[1:6])
    if not all(-_MAX_SHARE <= share <= _MAX_SHARE for share in box[:4]):
        raise LabelError(f"x y w h are {' '.join(fields[1:5])[:MAX_SHOWN]}, must be shares of the image")
    if not math.isfinite(box[4]) or not fields[0].lstrip("-").isdigit():
        raise LabelError(f"expected a class and an angle, got {fields[0][:MAX_SHOWN]!r} and {fields[5][:MAX_SHOWN]!r}")
    text = fields[6] if len(fields) > 6 else ""
    return ParsedInstance(box, text, _is_dont_care(text))


def parse_gt(line: str) -> ParsedInstance:
    parsed = mlt.parse(line)
    return dataclasses.replace(parsed, dont_care=_is_dont_care(parsed.text))


def corners(box: Sequence[float], width: int, height: int, is_e2e: bool) -> tuple[float, ...]:
    """Return x, y, ... of the four corners in pixels.

    They run clockwise as seen, from the top left of the upright word.
    """
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
    """A format of SynthTextMLT, with the rule for Hindi."""

    lines: LineFormat
    is_e2e: bool = False
    keep_list: Path | None = None
    """List of the good Hindi images. None uses the list in the collection, if it has one."""

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
    def example(self) -> str:
        return self.lines.example

    @property
    def is_exact(self) -> bool:
        return self.lines.is_exact

    @property
    def is_one_file(self) -> bool:
        return False

    def covers(self, member: Member) -> bool:
        return self.lines.covers(member)

    def label_files(self, collection: Collection) -> list[Member]:
        return self.lines.label_files(collection)

    def mismatch(self, collection: Collection, member: Member, is_forced: bool) -> str:
        # a folder like Hindi_gt counts as if the user had named the format
        return self.lines.mismatch(collection, member, is_forced or bool(_GT_FOLDER.search(_path(collection, member))))

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        images = self.lines.read_images(collection) if self.lines.parse is parse_gt else self._read_images(collection)
        return build_scenes(drop_bad_hindi(images, collection, self.keep_list), collection.problems)

    def _read_images(self, collection: Collection) -> Iterator[LabelledImage]:
        """Yield the images with their labels in pixels.

        They come in the order of the images, because the images' sizes are read.
        """
        files: dict[Member, Member] = {}
        for member, match in collection.label_files(ANY_NAME):
            place = collection.place(member)
            image = collection.image_of(self.lines.stems(match), place, member)
            if image is None:
                yield LabelledImage(member.stem, place, None)
            elif image in files:
                message = f"{collection.place(files[image])} labels the same image and is taken"
                collection.problems.add("two label files", place, message)
            else:
                files[image] = member
        for image, content in collection.stream(files):
            yield self._in_pixels(collection, files[image], image, content)

    def _in_pixels(self, collection: Collection, member: Member, image: Member, content: bytes | UnreadableFileError) -> LabelledImage:
        place, problems = collection.place(member), collection.problems
        try:
            if isinstance(content, UnreadableFileError):
                raise content
            size = read_header(content)
            lines = read_lines(collection.read(member), parse, place, problems)
        except (UnreadableFileError, ImageError) as error:
            problems.add("labels without size", place, f"the image or its labels cannot be read: {error}")
            return LabelledImage(image.stem, place, image)
        script = _language(collection, member)
        instances = []
        for number, parsed in lines:
            pixels = corners(parsed.corners or (), size.width, size.height, self.is_e2e)
            instances.append((number, dataclasses.replace(parsed, corners=pixels, script=script)))
        return LabelledImage(image.stem, place, image, instances)


def _language(collection: Collection, member: Member) -> str | None:
    """Return the script that the nearest folder's or archive's name contains."""
    for part in reversed(_path(collection, member).split("/")[:-1]):
        for script in MLT19_SCRIPTS:
            if task_of(script) and script.casefold() in part.casefold():
                return script
    return None


def _path(collection: Collection, member: Member) -> str:
    """Return a file's path, from the folder of its archive on."""
    path = collection.paths[member.source].absolute()
    return f"{path.parent.name}/{path.stem}/{member.name}"


def _is_dont_care(text: str) -> bool:
    return is_dont_care(text, ANY_MARK) or text.startswith(HASHES)


def _objection_gt(first: Sequence[ParsedInstance]) -> str:
    if all(value == int(value) for parsed in first for value in parsed.corners or () if math.isfinite(value)):
        return "no coordinate has a fraction"
    return mlt.objection(first)


_LINES = LineFormat(
    name="synthtextmlt", title="SynthTextMLT", pattern=ANY_NAME, stems=stems_of_any_name, parse=parse,
    example="0 0.512 0.334 0.105 0.031 -0.087 शब्द",
)  # fmt: skip
_LINES_GT = LineFormat(
    name="synthtextmlt-gt", title="SynthTextMLT (gt)", pattern=ANY_NAME, stems=stems_of_any_name, parse=parse_gt,
    objection=_objection_gt, example="131.5,34.2,181.0,34.2,179.4,47.0,131.1,49.3,Hindi,शब्द",
)  # fmt: skip
SYNTHTEXTMLT = SynthTextMLT(lines=_LINES)
SYNTHTEXTMLT_E2E = SynthTextMLT(lines=dataclasses.replace(_LINES, name="synthtextmlt-e2e"), is_e2e=True)
SYNTHTEXTMLT_GT = SynthTextMLT(lines=_LINES_GT)
