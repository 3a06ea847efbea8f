"""Label files of one line an instance: their bytes as lines, a line's fields as numbers and text."""

import codecs
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from raygroup.errors import LabelError
from raygroup.scenes.formats.parsed import SHOWN, Parsed
from raygroup.scenes.scene import Problems

MAX_LINES = 5_000
"""Of one image's label file: no image holds so many words."""
LOOKED_AT = 10
"""Lines or entries of a file that tell its format."""
MAX_LINE = 10_000
"""Characters."""
_LINE = re.compile(r"[^\n]+")
_MARKS = "\ufeff\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Byte-order mark and marks of direction, which editors put around numbers."""

Entry = TypeVar("Entry")
Parse = Callable[[str], Parsed]
"""A line without its end; raises LabelError."""


def read_lines(content: bytes, parse: Parse, place: str, problems: Problems) -> list[tuple[int, Parsed]]:
    """The instances of an image's label file; lines that are not understood are told of, as is what stands after the 5,000th."""
    found = []
    for number, line in at_most(MAX_LINES, decoded_lines(content, place, problems), place, problems):
        try:
            found.append((number, parse(short(line))))
        except LabelError as error:
            problems.add("line not understood", f"{place}:{number}", str(error))
    return found


def at_most(most: int, entries: Iterable[tuple[int, Entry]], place: str, problems: Problems) -> Iterator[tuple[int, Entry]]:
    """So many numbered lines or entries of a label file; where there are more, that is told of."""
    for count, (number, entry) in enumerate(entries):
        if count == most:
            problems.add("label file too long", f"{place}:{number}", f"more than {most:,} lines or entries: the rest is left out")
            return
        yield number, entry


def tried(entries: Iterable[tuple[int, Callable[[], Entry]]], place: str) -> tuple[list[Entry], list[str]]:
    """What is understood of the first ten, which tell a file's format, and what is said of the others, with their places."""
    understood, wrong = [], []
    for number, parse in islice(entries, LOOKED_AT):
        try:
            understood.append(parse())
        except LabelError as error:
            wrong.append(f"{place}:{number}: {error}")
    return understood, wrong


def short(line: str) -> str:
    """The line itself; raises LabelError where it is longer than any label."""
    if len(line) > MAX_LINE:
        raise LabelError(f"a line of {len(line):,} characters, at most {MAX_LINE:,} are read: {line[:SHOWN]!r}...")
    return line


def decoded_lines(content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, str]]:
    """Lines that hold something, with their numbers; a byte-order mark is dropped, a line that is not UTF-8 is told of."""
    content = content.removeprefix(codecs.BOM_UTF8)
    try:
        text = content.decode()
    except UnicodeDecodeError:
        yield from _line_by_line(content, place, problems)
        return
    number, counted = 1, 0
    for match in _LINE.finditer(text):
        number += text.count("\n", counted, match.start())
        counted = match.start()
        line = match[0].removesuffix("\r")
        if line and not line.isspace():
            yield number, line


def numbers(fields: Sequence[str]) -> tuple[float, ...]:
    """Raises LabelError naming the field that is no number; not a number and infinity are for the check of polygons to find."""
    try:
        if "_" not in "".join(fields):
            return tuple(map(float, fields))
    except ValueError:
        pass
    return tuple(_number(number, field) for number, field in enumerate(fields, start=1))


def split(line: str, count: int, what: str) -> list[str]:
    """``count`` comma-separated fields, the last with every further comma in it; raises LabelError saying ``what`` they should be."""
    fields = line.split(",", count - 1)
    if len(fields) != count:
        raise LabelError(f"expected {count} comma-separated fields ({what}), got {len(fields)}: {line[:SHOWN]!r}")
    return fields


def _line_by_line(content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, str]]:
    for number, start, end in _spans(content):
        try:
            line = content[start:end].removesuffix(b"\r").decode()
        except UnicodeDecodeError as error:
            said = f"byte {error.start + 1} of the line is 0x{content[start + error.start]:02x}: save the file as UTF-8"
            problems.add("line not UTF-8", f"{place}:{number}", said)
            continue
        if line and not line.isspace():
            yield number, line


def _spans(content: bytes) -> Iterator[tuple[int, int, int]]:
    number, counted = 1, 0
    for match in re.finditer(rb"[^\n]+", content):
        number += content.count(b"\n", counted, match.start())
        counted = match.start()
        yield number, match.start(), match.end()


def _number(number: int, field: str) -> float:
    try:
        if "_" not in field:
            return float(field.strip().strip(_MARKS))
    except ValueError:
        pass
    raise LabelError(f"number {number} of the line is {field[:SHOWN]!r}, must be a number")
