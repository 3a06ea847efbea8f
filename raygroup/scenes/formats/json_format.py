"""Data sets with one JSON file for all images: ``{"gt_1": [{"transcription": ..., "points": [[x, y], ...], ...}]}``."""

import re
from collections.abc import Callable, Iterator, Set
from dataclasses import dataclass
from itertools import islice
from typing import Any

from raygroup.errors import LabelError, UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.json_stream import json_items
from raygroup.scenes.formats.parsed import SHOWN, Labelled, Parsed, finished
from raygroup.scenes.scene import Scene

_PATTERN = re.compile(r".+\.json", re.IGNORECASE)
_DONT_CARES = frozenset({"###", "\uff03\uff03\uff03"})
"""Also in full width."""
_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
_LOOKED_AT = 20


@dataclass(frozen=True, kw_only=True)
class JsonFormat:
    """ArT19 or LSVT19."""

    name: str
    title: str
    unit: str
    names_languages: bool
    """Whether every item has a ``language``."""
    left_out: Callable[[Collection], Set[str]] = lambda collection: frozenset()
    """The ids that the data set's rule leaves out, as the file spells them."""
    is_exact: bool = False
    is_one_file: bool = True

    def label_files(self, collection: Collection) -> list[Member]:
        return [member for member, _ in collection.label_files(_PATTERN)]

    def fits(self, collection: Collection, member: Member, is_forced: bool) -> str:
        """Of the first items with any text most must be this data set's."""
        place = collection.place(member)
        try:
            first = [*islice(json_items(collection.read(member)), _LOOKED_AT)]
            said = [self._doubt(item) for _, items in first if isinstance(items, list) for item in items[:1]]
        except (LabelError, UnreadableFileError) as error:
            return f"{place}: {error}"
        wrong = [doubt for doubt in said if doubt]
        if not said:
            return f"{place}: no image with a list of items among the first {len(first)}"
        return f"{place}: {wrong[0]}" if 2 * len(wrong) > len(said) else ""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        return finished(self._labelled(collection), collection.problems)

    def parse(self, item: Any) -> Parsed:
        if not isinstance(item, dict):
            raise LabelError(f"expected an object with transcription and points, got {str(item)[:SHOWN]!r}")
        text, script = item.get("transcription"), item.get("language")
        if not isinstance(text, str) or _HALF_CHARACTER.search(text):
            raise LabelError(f"transcription is {repr(text)[:SHOWN]}, must be a string of whole characters")
        if not isinstance(script, str | None) or _HALF_CHARACTER.search(script or ""):
            raise LabelError(f"language is {repr(script)[:SHOWN]}, must be a name")
        illegible = item.get("illegibility", False)
        if not isinstance(illegible, bool):
            raise LabelError(f"illegibility is {repr(illegible)[:SHOWN]}, must be true or false")
        return Parsed(_corners(item.get("points")), text, illegible or text in _DONT_CARES, script)

    def _labelled(self, collection: Collection) -> Iterator[Labelled]:
        left_out = self.left_out(collection)
        for member, content in collection.stream(self.label_files(collection)):
            place = collection.place(member)
            try:
                if isinstance(content, UnreadableFileError):
                    raise LabelError(str(content))
                yield from self._of_file(collection, member, content, left_out)
            except LabelError as error:
                collection.problems.add("label file unreadable", place, f"{error}; what stands after that is not read")

    def _of_file(self, collection: Collection, member: Member, content: bytes, left_out: Set[str]) -> Iterator[Labelled]:
        seen: set[str] = set()
        for key, items in json_items(content):
            place = f"{collection.place(member)}:{key[:SHOWN]}"
            if key in seen:
                collection.problems.add("duplicate id", place, "this id stands above already; the first is taken")
                continue
            seen.add(key)
            image = collection.image_of((key, key.replace("gt_", "img_"), key.replace("img_", "gt_")), place, member)
            if key in left_out:
                collection.set_aside(image)
                continue
            yield Labelled(image.stem if image else key, place, image, self._found(items, place, collection))

    def _found(self, items: Any, place: str, collection: Collection) -> list[tuple[int, Parsed]]:
        if not isinstance(items, list):
            collection.problems.add("line not understood", place, f"expected a list of items, got {repr(items)[:SHOWN]}")
            return []
        found = []
        for number, item in enumerate(items, start=1):
            try:
                found.append((number, self.parse(item)))
            except LabelError as error:
                collection.problems.add("line not understood", f"{place}:{number}", str(error))
        return found

    def _doubt(self, item: Any) -> str:
        try:
            language = self.parse(item).script
        except LabelError as error:
            return str(error)
        if (language is not None) == self.names_languages:
            return ""
        return f"{self.title} names {'the language of every item' if self.names_languages else f'no languages, got {language!r}'}"


def _corners(points: Any) -> tuple[float, ...]:
    try:
        flat = tuple(value for x, y in points for value in (x, y))
        if all(isinstance(value, int | float) and not isinstance(value, bool) for value in flat):
            return tuple(map(float, flat))
    except (TypeError, ValueError, OverflowError):
        pass
    raise LabelError(f"points is {repr(points)[:SHOWN]}, must be a list of [x, y]")
