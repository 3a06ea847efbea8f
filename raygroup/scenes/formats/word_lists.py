"""Read lists of cropped words.

They belong to task 2 of MLT19, and to task 3 of ICDAR13 and ICDAR15 (4.3). One label file names an
image per line. MLT19's line is ``word_1.png,Arabic,المكرمة``: everything after the second comma is
text. ICDAR's line is ``word_1.png, "PROPER"``, with ICDAR13's escapes. Each word becomes a scene
whose only instance is the whole image.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from raygroup.errors import LabelError, UnreadableFileError
from raygroup.scenes.archives.members import Member, leads_out, normalise_name, suffix_of
from raygroup.scenes.collection import IMAGE_SUFFIXES, Collection
from raygroup.scenes.formats.icdar13 import unquote
from raygroup.scenes.formats.parsed import MAX_SHOWN, LabelledImage, ParsedInstance, build_scenes
from raygroup.scenes.formats.syntax.label_lines import decode_lines, limit_entries, parse_first_entries, require_short, split_fields
from raygroup.scenes.scene import Problems, Scene
from raygroup.words.dont_care import is_dont_care

_PATTERN = re.compile(r"(?:.*_)?gt\.txt", re.IGNORECASE)
MAX_WORDS = 1_000_000
"""Words that are read of one list; MLT19's has 89,177."""

NamedWord = tuple[str, ParsedInstance]
"""Name of an image and its word."""


def parse_mlt(line: str) -> NamedWord:
    name, script, text = split_fields(line, 3, "image, script, transcription")
    return _image_name(name), ParsedInstance(None, text, is_dont_care(text), script)


def parse_icdar(line: str) -> NamedWord:
    name, quoted = split_fields(line, 2, 'image, "transcription"')
    text = unquote(quoted)
    return _image_name(name), ParsedInstance(None, text, is_dont_care(text))


@dataclass(frozen=True, kw_only=True)
class WordList:
    """A data set of word images with one label file."""

    name: str
    title: str
    unit: str = "word"
    is_exact: bool = False
    is_one_file: bool = True
    parse: Callable[[str], NamedWord]
    """Takes a line without its end. Raises LabelError if the line is not of the format."""
    example: str
    """Correct line, for messages."""

    def covers(self, member: Member) -> bool:
        return _PATTERN.fullmatch(member.base) is not None

    def label_files(self, collection: Collection) -> list[Member]:
        return [member for member, _ in collection.label_files(_PATTERN)]

    def mismatch(self, collection: Collection, member: Member, is_forced: bool) -> str:
        place = collection.place(member)
        try:
            lines = decode_lines(collection.read(member), "", Problems())
        except UnreadableFileError as error:
            return f"{place}: {error}"
        words, errors = parse_first_entries(((number, partial(self._parse, line)) for number, line in lines), place)
        return f"{errors[0]}; a line of {self.title} looks like this: {self.example}" if len(errors) > len(words) else ""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        return build_scenes(self._read_images(collection), collection.problems)

    def _read_images(self, collection: Collection) -> Iterator[LabelledImage]:
        problems = collection.problems
        for member, content in collection.stream(self.label_files(collection)):
            place = collection.place(member)
            if isinstance(content, UnreadableFileError):
                problems.add("label file unreadable", place, str(content))
                continue
            seen: set[str] = set()
            for number, line in limit_entries(MAX_WORDS, decode_lines(content, place, problems), place, problems):
                if image := self._read_image(collection, member, number, line, seen):
                    yield image

    def _parse(self, line: str) -> NamedWord:
        return self.parse(require_short(line))

    def _read_image(self, collection: Collection, member: Member, number: int, line: str, seen: set[str]) -> LabelledImage | None:
        """Return the image of a line, or None.

        A line that cannot be used becomes a problem.
        """
        file = collection.place(member)
        place = f"{file}:{number}"
        try:
            name, parsed = self._parse(line)
        except LabelError as error:
            collection.problems.add("line not understood", place, str(error))
            return None
        stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        if stem.casefold() in seen:
            collection.problems.add("duplicate id", place, f"{name!r} is in the list twice; the first is taken")
            return None
        seen.add(stem.casefold())
        image = collection.image_of((stem,), place, member)
        return LabelledImage(image.stem if image else stem, place, image, [(number, parsed)], file)


def _image_name(field: str) -> str:
    name = field.strip().lstrip("\ufeff")
    if leads_out(name):
        raise LabelError(f"the image is {name[:MAX_SHOWN]!r}, must be a name inside the data set")
    if suffix_of(name.strip()) not in IMAGE_SUFFIXES:
        raise LabelError(f"expected the name of an image first, got {name[:MAX_SHOWN]!r}")
    return normalise_name(name)


MLT19_WORDS = WordList(name="mlt19-words", title="MLT19 task 2", parse=parse_mlt, example="word_1.png,Arabic,المكرمة")
ICDAR13_WORDS = WordList(name="icdar13-words", title="ICDAR13 task 3", parse=parse_icdar, example='word_1.png, "PROPER"')
