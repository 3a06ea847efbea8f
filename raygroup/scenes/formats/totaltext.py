"""Total-Text: curved words as polygons.

They have 4 to about 14 corners. ``poly_gt_imgN.mat`` holds an array ``polygt`` (``gt`` from older
tools) with rows of six cells: ``x:``, the xs, ``y:``, the ys, text, orientation.
``poly_gt_imgN.txt`` holds the same as numpy prints it, an entry on one or more lines: ``x: [[259
313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']``. The orientation is curved,
horizontal, multi-oriented or ``#``. An entry is a don't-care if its orientation is ``#``, or if its
text is ``#``, ``###`` or empty. ``totaltext-lines`` is the copy ``x1,y1,...,xn,yn,text`` that other
code bases read.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from raygroup.errors import LabelError, MatFileError, UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.parsed import MAX_SHOWN, LabelledImage, ParsedInstance, build_scenes
from raygroup.scenes.formats.syntax.label_lines import (
    MAX_LINE_LENGTH,
    MAX_LINES,
    decode_lines,
    limit_entries,
    parse_first_entries,
    parse_numbers,
)
from raygroup.scenes.formats.syntax.matlab import Cell, cell_rows
from raygroup.scenes.scene import Problems, Scene
from raygroup.words.dont_care import HASHES, is_dont_care

_PATTERN = re.compile(r"(?:poly_)?gt_(?P<stem>img_?\d+)\.(?:mat|txt)")
_MARKS = ("#", HASHES)
_CTW_PREFIX = "####"
"""CTW1500's lines put it before every text."""
_BEGINNING = re.compile(r"\s*x\s*:")
_LITERAL = r"u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\""
_ENTRY = re.compile(
    r"\s*x\s*:\s*\[\[?([^\[\]]*)\]?\]\s*,\s*y\s*:\s*\[\[?([^\[\]]*)\]?\]\s*,"
    rf"\s*ornt\s*:\s*\[\s*({_LITERAL}|)\s*\]\s*,\s*transcriptions\s*:\s*\[\s*({_LITERAL}|)\s*\]\s*,?\s*"
)
_EXAMPLE = "x: [[259 313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']"


def parse_entry(entry: str) -> ParsedInstance:
    match = _ENTRY.fullmatch(entry)
    if not match:
        raise LabelError(f"expected an entry like {_EXAMPLE}, got {entry[:MAX_SHOWN]!r}")
    xs, ys = (parse_numbers(match[group].replace(",", " ").split()) for group in (1, 2))
    return _instance(xs, ys, _evaluate(match[4]), _evaluate(match[3]))


def parse_line(line: str) -> ParsedInstance:
    """Parse ``x1,y1,...,xn,yn,text`` with 3 corners or more.

    The pairs of numbers at the beginning are corners, but at least one field is left for the text.
    CTW1500's ``####`` before a text is dropped. A text that is nothing else is a don't-care.
    """
    fields = line.split(",")
    count = next((place for place, field in enumerate(fields) if not _is_number(field)), len(fields))
    count = min(count, len(fields) - 1) // 2 * 2
    if count < 6:
        raise LabelError(f"expected x1,y1,...,xn,yn,text with 3 corners or more, got {line[:MAX_SHOWN]!r}")
    text = ",".join(fields[count:])
    text = text.removeprefix(_CTW_PREFIX)
    return ParsedInstance(parse_numbers(fields[:count]), text, _is_dont_care(text))


def mat_rows(content: bytes) -> Iterator[tuple[int, Callable[[], ParsedInstance]]]:
    """Yield number and parsing function of each row.

    Raises LabelError if the content is not a .mat file with Total-Text's array.
    """
    try:
        rows = cell_rows(content, ("polygt", "gt"))
    except MatFileError as error:
        raise LabelError(str(error)) from error
    for number, row in enumerate(rows, start=1):
        yield number, lambda row=row: _parse_row(row)  # type: ignore[misc]


def text_entries(content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, Callable[[], ParsedInstance]]]:
    """Yield line number and parsing function of each entry.

    An entry begins with a line that begins with ``x:``. The number is that of this line.
    """
    first, entry = 0, ""
    for number, line in decode_lines(content, place, problems):
        if entry and not _BEGINNING.match(line) and len(entry) < MAX_LINE_LENGTH:
            entry += f" {line.strip()}"
            continue
        if entry:
            yield first, lambda entry=entry: parse_entry(entry)  # type: ignore[misc]
        first, entry = number, line[: 2 * MAX_LINE_LENGTH]
    if entry:
        yield first, lambda entry=entry: parse_entry(entry)  # type: ignore[misc]


@dataclass(frozen=True, kw_only=True)
class TotalText:
    """Total-Text's own .mat and text files."""

    name: str = "totaltext"
    title: str = "Total-Text"
    unit: str = "word"
    example: str = _EXAMPLE
    is_exact: bool = False
    is_one_file: bool = False

    def covers(self, member: Member) -> bool:
        return _PATTERN.fullmatch(member.base) is not None

    def label_files(self, collection: Collection) -> list[Member]:
        return [member for member, _ in collection.label_files(_PATTERN)]

    def mismatch(self, collection: Collection, member: Member, is_forced: bool) -> str:
        place = collection.place(member)
        try:
            instances, errors = parse_first_entries(_entries(member, collection.read(member), place, Problems()), place)
        except (LabelError, UnreadableFileError) as error:
            return f"{place}: {error}"
        return errors[0] if len(errors) > len(instances) else ""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        return build_scenes(self._read_images(collection), collection.problems)

    def _read_images(self, collection: Collection) -> Iterator[LabelledImage]:
        files = dict(collection.label_files(_PATTERN))
        for member, content in collection.stream(files):
            place, stem = collection.place(member), files[member]["stem"]
            image = collection.image_of((stem, stem.replace("img", "img_"), f"gt_{stem}"), place, member)
            instances = _parse_file(member, content, place, collection.problems)
            yield LabelledImage(image.stem if image else stem, place, image, instances)


def _parse_file(member: Member, content: bytes | UnreadableFileError, place: str, problems: Problems) -> list[tuple[int, ParsedInstance]]:
    instances: list[tuple[int, ParsedInstance]] = []
    try:
        if isinstance(content, UnreadableFileError):
            raise LabelError(str(content))
        for number, parse in limit_entries(MAX_LINES, _entries(member, content, place, problems), place, problems):
            try:
                instances.append((number, parse()))
            except LabelError as error:
                problems.add("line not understood", f"{place}:{number}", str(error))
    except LabelError as error:
        problems.add("label file unreadable", place, str(error))
    return instances


def _entries(member: Member, content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, Callable[[], ParsedInstance]]]:
    return mat_rows(content) if member.suffix == ".mat" else text_entries(content, place, problems)


def _parse_row(row: list[Cell]) -> ParsedInstance:
    if len(row) < 5:
        raise LabelError(f"the row has {len(row)} cells, expected six: 'x:', xs, 'y:', ys, text, orientation")
    xs, ys, text, orientation = row[1], row[3], row[4], row[5] if len(row) > 5 else ""
    if isinstance(xs, str) or isinstance(ys, str):
        raise LabelError("the row has text in place of xs or ys, expected six cells: 'x:', xs, 'y:', ys, text, orientation")
    return _instance(xs, ys, text if isinstance(text, str) else "", orientation if isinstance(orientation, str) else "")


def _instance(xs: tuple[float, ...], ys: tuple[float, ...], text: str, orientation: str) -> ParsedInstance:
    if len(xs) != len(ys):
        raise LabelError(f"{len(xs)} xs and {len(ys)} ys, must be equally many; text {text[:MAX_SHOWN]!r}")
    corners = tuple(value for corner in zip(xs, ys, strict=True) for value in corner)
    return ParsedInstance(corners, text, _is_dont_care(text) or orientation == "#")


def _evaluate(literal: str) -> str:
    """Return the text of a Python 2 or 3 literal."""
    try:
        return str(ast.literal_eval(literal)) if literal else ""
    except (ValueError, SyntaxError) as error:
        raise LabelError(f"{literal[:MAX_SHOWN]!r} is not a string literal of Python") from error


def _is_dont_care(text: str) -> bool:
    return not text.strip() or is_dont_care(text, _MARKS)


def _is_number(field: str) -> bool:
    try:
        return float(field) < float("inf")
    except ValueError:
        return False


TOTALTEXT = TotalText()
TOTALTEXT_LINES = LineFormat(
    name="totaltext-lines",
    title="Total-Text as lines",
    pattern=ANY_NAME,
    stems=stems_of_any_name,
    parse=parse_line,
    example="428,376,599,340,788,417,737,454,616,394,446,420,naughty",
)
