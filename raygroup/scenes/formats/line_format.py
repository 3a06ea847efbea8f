"""Read data sets with one label file per image.

A file has one line per instance.
"""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.parsed import LabelledImage, ParsedInstance, build_scenes
from raygroup.scenes.formats.syntax.label_lines import ParseLine, decode_lines, parse_first_entries, read_lines, require_short
from raygroup.scenes.scene import Problems, Scene

ANY_NAME = re.compile(r"(?P<stem>.+)\.txt", re.IGNORECASE)
"""Pattern for label files that are named after their images. It also matches ``img_1.jpg.txt``."""


@dataclass(frozen=True, kw_only=True)
class LineFormat:
    """A data set with one label file per image."""

    name: str
    title: str
    unit: str = "word"
    """``word``, or ``phrase`` if an instance is a line of text."""
    pattern: re.Pattern[str]
    """Pattern of the label files' base names.

    With ``ANY_NAME``, a text file with neither an image nor lines of this format is not a label
    file."""
    stems: Callable[[re.Match[str]], Sequence[str]]
    """Stems that the image of a label file may have, likeliest first."""
    parse: ParseLine
    objection: Callable[[Sequence[ParsedInstance]], str] = lambda first: ""
    """Returns a reason against this format, seen in parsed lines, or an empty string.

    It is only called if the user did not name the format."""
    is_ruled_out_by: Callable[[ParsedInstance], bool] | None = None
    """Returns whether one parsed line shows that no file of the data set has this format.

    It is only called if the user did not name the format."""
    is_exact: bool = False
    """Whether every line must be parsed for the format to be detected.

    This is for formats that have a looser sibling."""
    is_one_file: bool = False
    example: str
    """Correct line, for messages."""

    def covers(self, member: Member) -> bool:
        return self.pattern.fullmatch(member.base) is not None

    def label_files(self, collection: Collection) -> list[Member]:
        """Return the files whose names fit this format.

        If the format allows any name and some of these files have an image, return only those.
        """
        matches = [*collection.label_files(self.pattern)]
        if self.pattern is ANY_NAME and (paired := [member for member, match in matches if collection.has_image(self.stems(match))]):
            return paired
        return [member for member, _ in matches]

    def mismatch(self, collection: Collection, member: Member, is_forced: bool) -> str:
        """Return why a file is not of this format, or ""."""
        place = collection.place(member)
        try:
            return self._mismatch(collection.read(member), place, is_forced)
        except UnreadableFileError as error:
            return f"{place}: {error}"

    def is_ruled_out(self, collection: Collection, member: Member) -> bool:
        """Return whether a line of a file shows that the data set has another format."""
        if self.is_ruled_out_by is None:
            return False
        try:
            lines = read_lines(collection.read(member), self.parse, "", Problems())
        except UnreadableFileError:
            return False
        return any(self.is_ruled_out_by(parsed) for _, parsed in lines)

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        """Yield a scene for each label file, source by source.

        Problems are added to those of the collection.
        """
        return build_scenes(self.read_images(collection), collection.problems)

    def read_images(self, collection: Collection) -> Iterator[LabelledImage]:
        """Yield the image and instances of each label file."""
        files = dict(collection.label_files(self.pattern))
        for member, content in collection.stream(files):
            place, stems = collection.place(member), self.stems(files[member])
            if isinstance(content, UnreadableFileError):
                collection.problems.add("label file unreadable", place, str(content))
                instances = []
            elif self.pattern is ANY_NAME and not collection.has_image(stems) and (reason := self._mismatch(content, place, True)):
                collection.problems.add("file left out", place, f"not a label file: no image has its name, and {reason}")
                continue
            else:
                instances = read_lines(content, self.parse, place, collection.problems)
            image = collection.image_of(stems, place, member)
            yield LabelledImage(image.stem if image else stems[0], place, image, instances)

    def _mismatch(self, content: bytes, place: str, is_forced: bool) -> str:
        lines = decode_lines(content, "", Problems())
        instances, errors = parse_first_entries(((number, partial(self._parse, line)) for number, line in lines), place)
        if errors and (len(errors) > len(instances) or self.is_exact):
            return f"{errors[0]}; a line of {self.title} looks like this: {self.example}"
        objection = "" if is_forced or not instances else self.objection(instances)
        return f"{place}: {objection}; a line of {self.title} looks like this: {self.example}" if objection else ""

    def _parse(self, line: str) -> ParsedInstance:
        return self.parse(require_short(line))


def stems_of_any_name(match: re.Match[str]) -> tuple[str, ...]:
    """Return the stems that the image may have.

    This is for data sets that name label files after images. The label files ``img_1``,
    ``gt_img_1`` and ``img_1.jpg`` all lead to the stem ``img_1``.
    """
    bare = re.sub(r"\.(?:jpe?g|png|gif|bmp|webp|tiff?)$", "", match["stem"], flags=re.IGNORECASE)
    return (bare, bare.removeprefix("gt_")) if bare.startswith("gt_") else (bare, f"gt_{bare}")
