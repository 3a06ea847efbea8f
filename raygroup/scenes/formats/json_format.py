"""Read data sets with one JSON file for all images.

The file is ``{"gt_1": [{"transcription": ..., "points": [[x, y], ...], ...}], ...}``.
"""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from itertools import islice
from typing import Any

from raygroup.errors import LabelError, UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.parsed import MAX_SHOWN, LabelledImage, ParsedInstance, build_scenes
from raygroup.scenes.formats.syntax.json_stream import json_items
from raygroup.scenes.scene import Scene
from raygroup.words.dont_care import is_dont_care

_PATTERN = re.compile(r".+\.json", re.IGNORECASE)
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_NUM_PROBED = 20
"""Images from which the format of a file is detected."""


@dataclass(frozen=True, kw_only=True)
class JsonFormat:
    """A data set in the format of ArT19 and LSVT19."""

    name: str
    title: str
    unit: str
    has_languages: bool
    """Whether every item has a ``language``."""
    excluded_ids: Callable[[Collection], Set[str]] = lambda collection: frozenset()
    """Returns the image ids that a rule of the data set leaves out, as the file spells them."""
    example: str = '{"gt_1": [{"transcription": "Alpha", "points": [[10, 10], [110, 10], [110, 40], [10, 40]]}]}'
    """Correct file, for messages."""
    is_exact: bool = False
    is_one_file: bool = True

    def covers(self, member: Member) -> bool:
        return _PATTERN.fullmatch(member.base) is not None

    def label_files(self, collection: Collection) -> list[Member]:
        return [member for member, _ in collection.label_files(_PATTERN)]

    def mismatch(self, collection: Collection, member: Member, is_forced: bool) -> str:
        """Return why a file is not of this format, or "".

        It checks the first item of each of the first 20 images. At least half must fit.
        """
        place = collection.place(member)
        try:
            first = [*islice(json_items(collection.read(member)), _NUM_PROBED)]
            objections = [self._objection(item) for _, items in first if isinstance(items, list) for item in items[:1]]
        except (LabelError, UnreadableFileError) as error:
            return f"{place}: {error}"
        if not objections:
            return f"{place}: no image with a list of items among the first {len(first)}"
        reasons = [objection for objection in objections if objection]
        return f"{place}: {reasons[0]}" if 2 * len(reasons) > len(objections) else ""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        return build_scenes(self._read_images(collection), collection.problems)

    def parse(self, item: Any) -> ParsedInstance:
        """Parse one item of an image.

        Raises LabelError naming the wrong field.
        """
        if not isinstance(item, dict):
            raise LabelError(f"expected an object with transcription and points, got {str(item)[:MAX_SHOWN]!r}")
        text, script = item.get("transcription"), item.get("language")
        if not isinstance(text, str) or _HALF_CHARACTER.search(text):
            raise LabelError(f"transcription is {repr(text)[:MAX_SHOWN]}, must be a string of whole characters")
        if not isinstance(script, str | None) or _HALF_CHARACTER.search(script or ""):
            raise LabelError(f"language is {repr(script)[:MAX_SHOWN]}, must be a name")
        illegible = item.get("illegibility", False)
        if not isinstance(illegible, bool):
            raise LabelError(f"illegibility is {repr(illegible)[:MAX_SHOWN]}, must be true or false")
        return ParsedInstance(_corners(item.get("points")), text, illegible or is_dont_care(text), script)

    def _read_images(self, collection: Collection) -> Iterator[LabelledImage]:
        excluded = self.excluded_ids(collection)
        for member, content in collection.stream(self.label_files(collection)):
            place = collection.place(member)
            try:
                if isinstance(content, UnreadableFileError):
                    raise LabelError(str(content))
                yield from self._read_file(collection, member, content, excluded)
            except LabelError as error:
                collection.problems.add("label file unreadable", place, f"{error}; the rest of the file is not read")

    def _read_file(self, collection: Collection, member: Member, content: bytes, excluded: Set[str]) -> Iterator[LabelledImage]:
        seen: set[str] = set()
        for key, items in json_items(content):
            place = f"{collection.place(member)}:{key[:MAX_SHOWN]}"
            if key in seen:
                collection.problems.add("duplicate id", place, "this id is in the file twice; the first is taken")
                continue
            seen.add(key)
            image = collection.image_of((key, key.replace("gt_", "img_"), key.replace("img_", "gt_")), place, member)
            if key in excluded:
                collection.set_aside(image)
                continue
            yield LabelledImage(image.stem if image else key, place, image, self._parse_items(items, place, collection))

    def _parse_items(self, items: Any, place: str, collection: Collection) -> list[tuple[int, ParsedInstance]]:
        if not isinstance(items, list):
            collection.problems.add("line not understood", place, f"expected a list of items, got {repr(items)[:MAX_SHOWN]}")
            return []
        instances = []
        for number, item in enumerate(items, start=1):
            try:
                instances.append((number, self.parse(item)))
            except LabelError as error:
                collection.problems.add("line not understood", f"{place}:{number}", str(error))
        return instances

    def _objection(self, item: Any) -> str:
        """Return why an item does not fit, or an empty string."""
        try:
            language = self.parse(item).script
        except LabelError as error:
            return str(error)
        if (language is not None) == self.has_languages:
            return ""
        return f"{self.title} names {'the language of every item' if self.has_languages else f'no languages, got {language!r}'}"


def _corners(points: Any) -> tuple[float, ...]:
    try:
        coordinates = tuple(value for x, y in points for value in (x, y))
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in coordinates):
            return tuple(map(float, coordinates))
    except (TypeError, ValueError, OverflowError):
        pass
    raise LabelError(f"points is {repr(points)[:MAX_SHOWN]}, must be a list of [x, y]")
