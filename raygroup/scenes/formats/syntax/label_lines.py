"""Read label files that have one line per instance.

This module splits their bytes into lines, and a line into numbers and text.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice
from typing import TypeVar

from raygroup.errors import LabelError
from raygroup.scenes.formats.parsed import MAX_SHOWN, ParsedInstance
from raygroup.scenes.formats.syntax.encoding import split_mark
from raygroup.scenes.scene import Problems

MAX_LINES = 5_000
"""Lines that are read of one image's label file. No image holds so many words."""
NUM_PROBED = 10
"""Lines or entries from which the format of a file is detected."""
MAX_LINE_LENGTH = 10_000
"""Characters of the longest line that is read."""
_LINE = re.compile(r"[^\r\n]+")
_BYTES_LINE = re.compile(rb"[^\r\n]+")
_MARKS = "\ufeff\u200e\u200f\u061c\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Byte-order mark and direction marks, which editors put around numbers."""

Entry = TypeVar("Entry")
ParseLine = Callable[[str], ParsedInstance]
"""Takes a line without its end. Raises LabelError if the line is not of the format."""


def read_lines(content: bytes, parse: ParseLine, place: str, problems: Problems) -> list[tuple[int, ParsedInstance]]:
    """Return the line numbers and instances of a label file.

    The file belongs to one image. Lines that cannot be parsed become problems. Lines after the
    5,000th are not read and become one problem.
    """
    instances = []
    for number, line in limit_entries(MAX_LINES, decode_lines(content, place, problems), place, problems):
        try:
            instances.append((number, parse(require_short(line))))
        except LabelError as error:
            problems.add("line not understood", f"{place}:{number}", str(error))
    return instances


def limit_entries(limit: int, entries: Iterable[tuple[int, Entry]], place: str, problems: Problems) -> Iterator[tuple[int, Entry]]:
    """Yield at most ``limit`` numbered entries.

    Reports a problem if there are more.
    """
    for count, (number, entry) in enumerate(entries):
        if count == limit:
            problems.add("label file too long", f"{place}:{number}", f"more than {limit:,} lines or entries: the rest is left out")
            return
        yield number, entry


def parse_first_entries(entries: Iterable[tuple[int, Callable[[], Entry]]], place: str) -> tuple[list[Entry], list[str]]:
    """Parse the first ten entries, to detect a format.

    Returns the results, and for the other entries the error messages with their places.
    """
    results, errors = [], []
    for number, parse in islice(entries, NUM_PROBED):
        try:
            results.append(parse())
        except LabelError as error:
            errors.append(f"{place}:{number}: {error}")
    return results, errors


def require_short(line: str) -> str:
    """Return the line if it can be a label.

    Raises LabelError if it is longer than 10,000 characters, and for UTF-16 without its mark.
    """
    if "\0" in line:
        raise LabelError("the line has NUL characters, as UTF-16 without a byte-order mark has: save the file as UTF-8")
    if len(line) > MAX_LINE_LENGTH:
        raise LabelError(f"the line has {len(line):,} characters, expected at most {MAX_LINE_LENGTH:,}: {line[:MAX_SHOWN]!r}...")
    return line


def decode_lines(content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, str]]:
    """Yield the lines that are not blank, with their numbers.

    CR, LF, CR LF and CR CR LF each end a line. A byte-order mark tells the encoding and is dropped.
    Without a mark the encoding is UTF-8. Lines in another encoding become problems.
    """
    codec, content = split_mark(content)
    try:
        text = content.decode(codec)
    except UnicodeDecodeError as error:
        if codec == "utf-8":
            yield from _decode_line_by_line(content, place, problems)
        else:
            problems.add("label file unreadable", place, f"its mark says {codec.upper()}, but {error.reason}: save the file as UTF-8")
        return
    number, end = 1, 0
    for match in _LINE.finditer(text):
        number += _num_line_ends(text[end : match.start()])
        end = match.end()
        if not match[0].isspace():
            yield number, match[0]


def parse_numbers(fields: Sequence[str]) -> tuple[float, ...]:
    """Return the fields as numbers.

    Raises LabelError naming the wrong field. NaN and infinity pass, because the check of polygons
    rejects them.
    """
    try:
        if "_" not in "".join(fields):  # float() accepts 1_0
            return tuple(map(float, fields))
    except ValueError:
        pass
    return tuple(_parse_number(number, field) for number, field in enumerate(fields, start=1))


def split_fields(line: str, count: int, names: str) -> list[str]:
    """Return ``count`` comma-separated fields.

    Further commas belong to the last field. ``names`` describes the fields in the LabelError
    that is raised if there are fewer.
    """
    fields = line.split(",", count - 1)
    if len(fields) != count:
        raise LabelError(f"expected {count} comma-separated fields ({names}), got {len(fields)}: {line[:MAX_SHOWN]!r}")
    return fields


def _decode_line_by_line(content: bytes, place: str, problems: Problems) -> Iterator[tuple[int, str]]:
    number, end = 1, 0
    for match in _BYTES_LINE.finditer(content):
        number += _num_line_ends(content[end : match.start()].decode())
        end = match.end()
        try:
            line = match[0].decode()
        except UnicodeDecodeError as error:
            message = f"byte {error.start + 1} of the line is 0x{match[0][error.start]:02x}: save the file as UTF-8"
            problems.add("line not UTF-8", f"{place}:{number}", message)
            continue
        if not line.isspace():
            yield number, line


def _num_line_ends(gap: str) -> int:
    """Count the line ends in a text of CR and LF alone.

    CRs before an LF belong to it. Each CR behind the last LF is a line end of its own.
    """
    return gap.count("\n") + len(gap) - 1 - gap.rfind("\n")


def _parse_number(number: int, field: str) -> float:
    try:
        if "_" not in field:
            return float(field.strip().strip(_MARKS))
    except ValueError:
        pass
    raise LabelError(f"number {number} of the line is {field[:MAX_SHOWN]!r}, must be a number")
