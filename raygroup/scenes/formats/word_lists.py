"""Lists of cropped words: one file that names an image a line, as task 2 of MLT19 and task 3 of ICDAR13 and ICDAR15 (4.3) have it.

``word_1.png,Arabic,المكرمة``: everything after the second comma is text. ``word_1.png, "PROPER"``: with ICDAR13's escapes.
A word is a scene of its own, whose instance is the whole image.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial

from raygroup.errors import LabelError, UnreadableFileError
from raygroup.scenes.archives.members import Member, leads_out, normalise_name, suffix_of
from raygroup.scenes.collection import IMAGE_SUFFIXES, Collection
from raygroup.scenes.formats.icdar13 import unquoted
from raygroup.scenes.formats.label_lines import at_most, decoded_lines, short, split, tried
from raygroup.scenes.formats.parsed import SHOWN, Labelled, Parsed, finished
from raygroup.scenes.scene import Problems, Scene

_PATTERN = re.compile(r"(?:.*_)?gt\.txt", re.IGNORECASE)
_DONT_CARE = "###"
MAX_WORDS = 1_000_000
"""Of one list; MLT19's has 89,177."""

Named = tuple[str, Parsed]
"""The name of an image and its word."""


def parse_mlt(line: str) -> Named:
    name, script, text = split(line, 3, "image, script, transcription")
    return _image(name), Parsed(None, text, text == _DONT_CARE, script)


def parse_icdar(line: str) -> Named:
    name, quoted = split(line, 2, 'image, "transcription"')
    text = unquoted(quoted)
    return _image(name), Parsed(None, text, text == _DONT_CARE)


@dataclass(frozen=True, kw_only=True)
class WordList:
    """A data set of word images with one label file."""

    name: str
    title: str
    unit: str = "word"
    is_exact: bool = False
    is_one_file: bool = True
    parse: Callable[[str], Named]
    """A line without its end; raises LabelError."""
    example: str

    def label_files(self, collection: Collection) -> list[Member]:
        return [member for member, _ in collection.label_files(_PATTERN)]

    def fits(self, collection: Collection, member: Member, is_forced: bool) -> str:
        place = collection.place(member)
        try:
            lines = decoded_lines(collection.read(member), "", Problems())
        except UnreadableFileError as error:
            return f"{place}: {error}"
        understood, wrong = tried(((number, partial(self._named, line)) for number, line in lines), place)
        return f"{wrong[0]}; a line of {self.title} is {self.example}" if len(wrong) > len(understood) else ""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        return finished(self._labelled(collection), collection.problems)

    def _labelled(self, collection: Collection) -> Iterator[Labelled]:
        for member, content in collection.stream(self.label_files(collection)):
            place = collection.place(member)
            if isinstance(content, UnreadableFileError):
                collection.problems.add("label file unreadable", place, str(content))
                continue
            seen: set[str] = set()
            for number, line in at_most(MAX_WORDS, decoded_lines(content, place, collection.problems), place, collection.problems):
                if word := self._word(collection, member, f"{place}:{number}", number, line, seen):
                    yield word

    def _named(self, line: str) -> Named:
        return self.parse(short(line))

    def _word(self, collection: Collection, member: Member, place: str, number: int, line: str, seen: set[str]) -> Labelled | None:
        try:
            name, parsed = self._named(line)
        except LabelError as error:
            collection.problems.add("line not understood", place, str(error))
            return None
        stem = name.rsplit("/", 1)[-1].rsplit(".", 1)[0]
        if stem.casefold() in seen:
            collection.problems.add("duplicate id", place, f"{name!r} stands above already; the first is taken")
            return None
        seen.add(stem.casefold())
        image = collection.image_of((stem,), place, member)
        return Labelled(image.stem if image else stem, place, image, [(number, parsed)], place.rsplit(":", 1)[0])


def _image(spelled: str) -> str:
    name = spelled.strip().lstrip("\ufeff")
    if leads_out(name):
        raise LabelError(f"the image is {name[:SHOWN]!r}, must be a name inside the data set")
    _require_image(name)
    return normalise_name(name)


def _require_image(name: str) -> None:
    if suffix_of(name.strip()) not in IMAGE_SUFFIXES:
        raise LabelError(f"expected the name of an image first, got {name[:SHOWN]!r}")


MLT19_WORDS = WordList(name="mlt19-words", title="MLT19 task 2", parse=parse_mlt, example="word_1.png,Arabic,المكرمة")
ICDAR13_WORDS = WordList(name="icdar13-words", title="ICDAR13 task 3", parse=parse_icdar, example='word_1.png, "PROPER"')
