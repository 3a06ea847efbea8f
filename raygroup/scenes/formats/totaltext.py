"""Total-Text: curved words as polygons of 4 to some 14 corners.

``poly_gt_imgN.mat`` holds an array ``polygt`` (``gt`` from older tools) with rows of six cells: ``x:``, the xs, ``y:``, the ys, text,
orientation. ``poly_gt_imgN.txt`` holds the same as numpy prints it, an entry on one or more lines:
``x: [[259 313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']``. Orientation is curved, horizontal, multi-oriented or
``#``, which is a don't-care, as are the text ``#`` and an empty one. ``totaltext-lines`` is the copy ``x1,y1,...,xn,yn,text`` that
other code bases read.
"""

import ast
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass

from raygroup.errors import LabelError, MatFileError, UnreadableFileError
from raygroup.scenes.archives.members import Member
from raygroup.scenes.collection import Collection
from raygroup.scenes.formats.label_lines import MAX_LINE, MAX_LINES, at_most, decoded_lines, numbers, tried
from raygroup.scenes.formats.line_format import ANY_NAME, LineFormat, stems_of_any_name
from raygroup.scenes.formats.matlab import Cell, cell_rows
from raygroup.scenes.formats.parsed import SHOWN, Labelled, Parsed, finished
from raygroup.scenes.scene import Problems, Scene

_PATTERN = re.compile(r"(?:poly_)?gt_(?P<stem>img_?\d+)\.(?:mat|txt)")
_DONT_CARE = frozenset({"#", "###", ""})
_BEGINS = re.compile(r"\s*x\s*:")
_LITERAL = r"u?'(?:[^'\\]|\\.)*'|u?\"(?:[^\"\\]|\\.)*\""
_ENTRY = re.compile(
    r"\s*x\s*:\s*\[\[?([^\[\]]*)\]?\]\s*,\s*y\s*:\s*\[\[?([^\[\]]*)\]?\]\s*,"
    rf"\s*ornt\s*:\s*\[\s*({_LITERAL}|)\s*\]\s*,\s*transcriptions\s*:\s*\[\s*({_LITERAL}|)\s*\]\s*,?\s*"
)
_EXAMPLE = "x: [[259 313 389]], y: [[542 462 417]], ornt: [u'c'], transcriptions: [u'PAUL']"


def parse_entry(entry: str) -> Parsed:
    match = _ENTRY.fullmatch(entry)
    if not match:
        raise LabelError(f"expected an entry such as {_EXAMPLE}, got {entry[:SHOWN]!r}")
    xs, ys = (numbers(match[group].replace(",", " ").split()) for group in (1, 2))
    return _parsed(xs, ys, _spelled(match[4]), _spelled(match[3]))


def parse_line(line: str) -> Parsed:
    """``x1,y1,...,xn,yn,text``: as many pairs of numbers as leave a text, 3 or more."""
    fields = line.split(",")
    count = next((place for place, field in enumerate(fields) if not _is_number(field)), len(fields))
    count = min(count, len(fields) - 1) // 2 * 2
    if count < 6:
        raise LabelError(f"expected x1,y1,...,xn,yn,text with 3 corners or more, got {line[:SHOWN]!r}")
    text = ",".join(fields[count:])
    return Parsed(numbers(fields[:count]), text, text in _DONT_CARE)


def mat_rows(content: bytes) -> Iterator[tuple[int, Callable[[], Parsed]]]:
    """Each row with its number; raises LabelError for a file that is none."""
    try:
        rows = cell_rows(content, ("polygt", "gt"))
    except MatFileError as error:
        raise LabelError(str(error)) from error
    for number, row in enumerate(rows, start=1):
        yield number, lambda row=row: _row(row)  # type: ignore[misc]


def text_entries(content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, Callable[[], Parsed]]]:
    """Each entry with the number of its first line: one begins where a line does with ``x:``."""
    first, gathered = 0, ""
    for number, line in decoded_lines(content, place, problems):
        if gathered and not _BEGINS.match(line) and len(gathered) < MAX_LINE:
            gathered += f" {line.strip()}"
            continue
        if gathered:
            yield first, lambda entry=gathered: parse_entry(entry)  # type: ignore[misc]
        first, gathered = number, line[: 2 * MAX_LINE]
    if gathered:
        yield first, lambda entry=gathered: parse_entry(entry)  # type: ignore[misc]


@dataclass(frozen=True, kw_only=True)
class TotalText:
    """Its .mat and its text files."""

    name: str = "totaltext"
    title: str = "Total-Text"
    unit: str = "word"
    is_exact: bool = False
    is_one_file: bool = False

    def label_files(self, collection: Collection) -> list[Member]:
        return [member for member, _ in collection.label_files(_PATTERN)]

    def fits(self, collection: Collection, member: Member, is_forced: bool) -> str:
        place = collection.place(member)
        try:
            understood, wrong = tried(_entries(member, collection.read(member), place, Problems()), place)
        except (LabelError, UnreadableFileError) as error:
            return f"{place}: {error}"
        return wrong[0] if len(wrong) > len(understood) else ""

    def scenes(self, collection: Collection) -> Iterator[Scene]:
        return finished(self._labelled(collection), collection.problems)

    def _labelled(self, collection: Collection) -> Iterator[Labelled]:
        files = dict(collection.label_files(_PATTERN))
        for member, content in collection.stream(files):
            place, stem = collection.place(member), files[member]["stem"]
            image = collection.image_of((stem, stem.replace("img", "img_"), f"gt_{stem}"), place, member)
            yield Labelled(image.stem if image else stem, place, image, _found(member, content, place, collection.problems))


def _found(member: Member, content: bytes | UnreadableFileError, place: str, problems: Problems) -> list[tuple[int, Parsed]]:
    found: list[tuple[int, Parsed]] = []
    try:
        if isinstance(content, UnreadableFileError):
            raise LabelError(str(content))
        for number, entry in at_most(MAX_LINES, _entries(member, content, place, problems), place, problems):
            try:
                found.append((number, entry()))
            except LabelError as error:
                problems.add("line not understood", f"{place}:{number}", str(error))
    except LabelError as error:
        problems.add("label file unreadable", place, str(error))
    return found


def _entries(member: Member, content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, Callable[[], Parsed]]]:
    return mat_rows(content) if member.suffix == ".mat" else text_entries(content, place, problems)


def _row(row: list[Cell]) -> Parsed:
    if len(row) < 5:
        raise LabelError(f"a row of {len(row)} cells, expected six: 'x:', xs, 'y:', ys, text, orientation")
    xs, ys, text, orientation = row[1], row[3], row[4], row[5] if len(row) > 5 else ""
    if isinstance(xs, str) or isinstance(ys, str):
        raise LabelError("a row with text in place of xs or ys, expected six cells: 'x:', xs, 'y:', ys, text, orientation")
    return _parsed(xs, ys, text if isinstance(text, str) else "", orientation if isinstance(orientation, str) else "")


def _parsed(xs: tuple[float, ...], ys: tuple[float, ...], text: str, orientation: str) -> Parsed:
    if len(xs) != len(ys):
        raise LabelError(f"{len(xs)} xs and {len(ys)} ys, must be as many; text {text[:SHOWN]!r}")
    flat = tuple(value for corner in zip(xs, ys, strict=True) for value in corner)
    return Parsed(flat, text, text in _DONT_CARE or orientation == "#")


def _spelled(literal: str) -> str:
    """The text of a string as Python 2 or 3 printed it."""
    try:
        return str(ast.literal_eval(literal)) if literal else ""
    except (ValueError, SyntaxError) as error:
        raise LabelError(f"{literal[:SHOWN]!r} is no string as Python prints it") from error


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
