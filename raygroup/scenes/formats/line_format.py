"""Data sets with one label file an image and one line an instance: what they share."""

import re
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import partial

from raygroup.errors import UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.label_lines import Parse, decoded_lines, read_lines, short, tried
from raygroup.scenes.formats.parsed import Labelled, Parsed, finished
from raygroup.scenes.scene import Problems, Scene

ANY_NAME = re.compile(r"(?P<stem>.+)\.txt", re.IGNORECASE)
"""Where a data set names its label files after its images; ``img_1.jpg.txt`` is among them."""


@dataclass(frozen=True, kw_only=True)
class LineFormat:
    """A data set with one label file an image."""

    name: str
    title: str
    unit: str = "word"
    """``word``, or ``phrase`` where instances are lines of text."""
    pattern: re.Pattern[str]
    """Of the base names of its label files; with ``ANY_NAME`` a file that has no image and no line of this format is none."""
    stems: Callable[[re.Match[str]], Sequence[str]]
    """The stems its image may have, likeliest first."""
    parse: Parse
    doubt: Callable[[Sequence[Parsed]], str] = lambda first: ""
    """What speaks against this format in lines that it understands; asked where it was not asked for by name."""
    is_exact: bool = False
    """Whether it is only believed where every line is its own: formats that have a looser sibling."""
    is_one_file: bool = False
    example: str
    """A line as it should be, for messages."""

    def label_files(self, collection: Collection) -> list[Member]:
        """The files that are its own by their names; of any name those with an image, if any has one."""
        found = [*collection.label_files(self.pattern)]
        if self.pattern is ANY_NAME and (paired := [member for member, match in found if collection.has_image(self.stems(match))]):
            return paired
        return [member for member, _ in found]

    def fits(self, collection: Collection, member: Member, is_forced: bool) -> str:
        """Empty where most of the first lines of a label file are this format's, else what was expected and seen, and where."""
        place = collection.place(member)
        try:
            return self._misfit(collection.read(member), place, is_forced)
        except UnreadableFileError as error:
            return f"{place}: {error}"

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        """Every label file as a scene, source by source; problems go to the collection's."""
        return finished(self.labelled(collection), collection.problems)

    def labelled(self, collection: Collection) -> Iterator[Labelled]:
        files = dict(collection.label_files(self.pattern))
        for member, content in collection.stream(files):
            place, stems = collection.place(member), self.stems(files[member])
            if isinstance(content, UnreadableFileError):
                collection.problems.add("label file unreadable", place, str(content))
                found = []
            elif self.pattern is ANY_NAME and not collection.has_image(stems) and (said := self._misfit(content, place, True)):
                collection.problems.add("file left out", place, f"no label file: no image has its name, and {said}")
                continue
            else:
                found = read_lines(content, self.parse, place, collection.problems)
            image = collection.image_of(stems, place, member)
            yield Labelled(image.stem if image else stems[0], place, image, found)

    def _misfit(self, content: bytes, place: str, is_forced: bool) -> str:
        lines = decoded_lines(content, "", Problems())
        understood, wrong = tried(((number, partial(self._parsed, line)) for number, line in lines), place)
        if wrong and (len(wrong) > len(understood) or self.is_exact):
            return f"{wrong[0]}; a line of {self.title} is {self.example}"
        doubt = "" if is_forced or not understood else self.doubt(understood)
        return f"{place}: {doubt}; a line of {self.title} is {self.example}" if doubt else ""

    def _parsed(self, line: str) -> Parsed:
        return self.parse(short(line))


def stems_of_any_name(match: re.Match[str]) -> tuple[str, ...]:
    """``img_1`` for ``img_1``, ``gt_img_1`` and ``img_1.jpg``."""
    bare = re.sub(r"\.(?:jpe?g|png|gif|bmp|webp|tiff?)$", "", match["stem"], flags=re.IGNORECASE)
    return (bare, bare.removeprefix("gt_")) if bare.startswith("gt_") else (bare, f"gt_{bare}")
