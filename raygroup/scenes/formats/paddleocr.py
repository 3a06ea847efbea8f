"""PaddleOCR: words as polygons, a line for each image.

A line of the label file is a path, a tab and JSON: ``imgs/a.png<TAB>[{"transcription": "Alpha",
"points": [[10, 10], ...], "difficult": false}]``. PPOCRLabel calls the file ``Label.txt``, ``export
--layout paddleocr`` calls it ``det_gt_train.txt``. ``###``, ``*`` and difficult words are
don't-cares. Cut-out words and their lists (``rec_gt.txt``) are not read.
"""

import json
import re
from collections.abc import Iterator, Set
from dataclasses import dataclass
from functools import partial
from typing import Any

from raygroup.errors import LabelError, UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.json_format import JsonFormat
from raygroup.scenes.formats.parsed import MAX_SHOWN, LabelledImage, ParsedInstance
from raygroup.scenes.formats.syntax.json_stream import MAX_ITEM
from raygroup.scenes.formats.syntax.label_lines import decode_lines, limit_entries, parse_first_entries
from raygroup.scenes.scene import Problems
from raygroup.words.dont_care import ANY_MARK, is_dont_care

_LABELS = re.compile(r"(?:.*[_-])?(?:labels?|det(?:[_-]gt)?(?:[_-][a-z]+)?)\.txt", re.IGNORECASE)
_WORD_LIST = re.compile(r"rec_gt.*\.txt", re.IGNORECASE)
_MAX_IMAGES = 1_000_000
_EXAMPLE = 'imgs/a.png<TAB>[{"transcription": "Alpha", "points": [[10, 10], [110, 10], [110, 40], [10, 40]]}]'


@dataclass(frozen=True, kw_only=True)
class PaddleOCR(JsonFormat):
    """The format of PPOCRLabel and of PaddleOCR's detectors."""

    example: str = _EXAMPLE

    def covers(self, member: Member) -> bool:
        return any(pattern.fullmatch(member.base) for pattern in (_LABELS, _WORD_LIST))

    def label_files(self, collection: Collection) -> list[Member]:
        return [member for member, _ in collection.label_files(_LABELS)]

    def mismatch(self, collection: Collection, member: Member, is_forced: bool) -> str:
        """Return why a file is not of this format, or ""."""
        place = collection.place(member)
        try:
            lines = decode_lines(collection.read(member), "", Problems())
        except UnreadableFileError as error:
            return f"{place}: {error}"
        images, errors = parse_first_entries(((number, partial(self._check_line, line)) for number, line in lines), place)
        if errors or not images:
            return f"{errors[0] if errors else f'{place}: no line'}; a line of {self.title} looks like this: {self.example}"
        return ""

    def parse(self, item: Any) -> ParsedInstance:
        """Parse one item of an image. Raises LabelError naming the wrong field."""
        parsed = super().parse(item)
        difficult = item.get("difficult", False)
        if not isinstance(difficult, bool):
            raise LabelError(f"difficult is {repr(difficult)[:MAX_SHOWN]}, must be true or false")
        return ParsedInstance(parsed.corners, parsed.text, difficult or parsed.dont_care or is_dont_care(parsed.text, ANY_MARK))

    def _check_line(self, line: str) -> None:
        for item in split_line(line)[1][:1]:
            self.parse(item)

    def _read_file(self, collection: Collection, member: Member, content: bytes, excluded: Set[str]) -> Iterator[LabelledImage]:
        _set_words_aside(collection)
        file, problems = collection.place(member), collection.problems
        for number, line in limit_entries(_MAX_IMAGES, decode_lines(content, file, problems), file, problems):
            place = f"{file}:{number}"
            try:
                path, items = split_line(line)
            except LabelError as error:
                problems.add("line not understood", place, str(error))
                continue
            stem = path.rsplit("/", 1)[-1].rsplit(".", 1)[0]
            image = collection.image_of((stem,), place, member, path)
            yield LabelledImage(image.stem if image else stem, place, image, self._parse_items(items, place, collection))


def split_line(line: str) -> tuple[str, list[Any]]:
    """Return the path and the items of a line. Raises LabelError if it has another form."""
    path, tab, text = line.partition("\t")
    if not tab or len(text) > MAX_ITEM:
        raise LabelError(f"expected a path, a tab and at most {MAX_ITEM:,} characters of JSON, got {line[:MAX_SHOWN]!r}")
    try:
        items = json.loads(text)
    except RecursionError:
        raise LabelError("nested too deep: after the tab must be a list of objects") from None
    except ValueError as error:
        raise LabelError(f"not JSON after the tab: {error}") from error
    if not isinstance(items, list):
        raise LabelError(f"expected a list of objects after the tab, got {text[:MAX_SHOWN]!r}")
    return path.strip().replace("\\", "/"), items


def _set_words_aside(collection: Collection) -> None:
    """Set aside the cut-out words that a list names, so that nobody misses their labels."""
    paths: set[str] = set()
    for member, _ in collection.label_files(_WORD_LIST):
        lines = decode_lines(collection.read(member), "", Problems())
        paths.update(line.partition("\t")[0].strip() for _, line in lines)
    for image in [*collection.images()] if paths else ():
        parts = image.name.split("/")
        if any("/".join(parts[start:]) in paths for start in range(len(parts))):
            collection.set_aside(image)


PADDLEOCR = PaddleOCR(name="paddleocr", title="PaddleOCR", unit="word", has_languages=False)
