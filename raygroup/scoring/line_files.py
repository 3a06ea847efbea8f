"""Read files of one word a line, as in MLT19 and ICDAR15.

A line has eight coordinates, then other fields. All files are parsed together for speed. Errors
name the file and the line.
"""

import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.scoring.archive_entries import ArchiveEntry
from raygroup.scoring.line_format import FIELDS, LineFormat
from raygroup.scoring.reading_notes import reading_notes
from raygroup.scoring.word_columns import Locations, WordColumns, quadrilaterals

_INT32 = 2**31
_ROWS_AT_A_TIME = 1 << 14
_EXACT_BELOW = 2**28
"""Limit of coordinates whose sums of products fit 64 bits."""


def read_line_files(
    files: Mapping[str, ArchiveEntry], images: Sequence[str], line_format: LineFormat, kind: type[ConfigError]
) -> WordColumns:
    """Return the words of all files.

    An image without a file has no words. ``\\r`` is dropped everywhere, empty lines are skipped,
    and bytes that are not UTF-8 become U+FFFD. Raises ``kind`` with file and line for everything
    that the official script refuses.
    """
    rows: list[tuple[str, ...]] = []
    blocks: list[_Block] = []
    lines: list[tuple[str, int]] = []
    sizes = []
    for image in images:
        values, numbers = _split_lines(files[image], line_format, kind) if image in files else ([], [])
        rows += values
        lines += [(files[image].location, number) for number in numbers]
        sizes.append(len(values))
        # Strings take ten times the memory of the numbers they spell, so convert them in blocks.
        if len(rows) >= _ROWS_AT_A_TIME:
            blocks.append(_parse_rows(rows, lines[-len(rows) :], line_format, kind))
            rows = []
    blocks.append(_parse_rows(rows, lines[len(lines) - len(rows) :], line_format, kind))
    texts = [text for block in blocks for text in block.texts]
    scripts = [script for block in blocks for script in block.scripts]
    return WordColumns(
        images=tuple(images),
        image=np.repeat(np.arange(len(images)), sizes),
        polygons=quadrilaterals(np.concatenate([block.corners for block in blocks])),
        texts=texts if "text" in line_format.fields else (),
        scripts=scripts if "script" in line_format.fields else (),
        confidences=np.concatenate([block.confidences for block in blocks]) if "confidence" in line_format.fields else None,
        locations=Locations(lines),
        notes=reading_notes(files.values()),
    )


@dataclass(frozen=True)
class _Block:
    """Some words as columns. A column is empty if the format lacks its field."""

    corners: NDArray[np.int64]
    texts: list[str]
    scripts: list[str]
    confidences: NDArray[np.float64]


def _parse_rows(
    rows: Sequence[tuple[str, ...]], lines: Sequence[tuple[str, int]], line_format: LineFormat, kind: type[ConfigError]
) -> _Block:
    """Convert the fields of lines from strings to their values."""
    columns = list(zip(*rows, strict=True)) or [()] * (8 + len(line_format.fields))
    corners = _corners(columns[:8], lines, kind)
    if line_format.clockwise:
        _refuse_counter_clockwise(corners, lines, kind)
    named = dict(zip(line_format.fields, columns[8:], strict=True))
    return _Block(
        corners=corners,
        texts=[line_format.spelling(text) for text in named.get("text", ())],
        scripts=[sys.intern(script) for script in named.get("script", ())],
        confidences=_confidences(named.get("confidence", ()), lines, kind),
    )


def decode(entry: ArchiveEntry, byte_order_mark: bool, kind: type[ConfigError]) -> str:
    """Return a file as text.

    A byte-order mark at its start is dropped, or raises ``kind`` if it is not allowed.
    """
    text = entry.content.decode("utf-8", "replace")
    if text.startswith("\ufeff"):
        if not byte_order_mark:
            raise kind(
                f"{entry.location}:1: begins with a byte-order mark, which the official script takes for broken UTF-8: save it without"
            )
        text = text[1:]
    return text


def _split_lines(entry: ArchiveEntry, line_format: LineFormat, kind: type[ConfigError]) -> tuple[list[tuple[str, ...]], list[int]]:
    """Return the fields and the number of each line."""
    text = decode(entry, line_format.byte_order_mark, kind).replace("\r", "")
    numbers = [number for number, line in enumerate(text.split("\n"), 1) if line]
    values = line_format.line.findall(text)
    if len(values) != len(numbers):
        lines = text.split("\n")
        wrong = next(number for number in numbers if not line_format.line.fullmatch(lines[number - 1]))
        raise kind(f"{entry.location}:{wrong}: {line_format.fault(lines[wrong - 1])}")
    return values, numbers


def _corners(columns: Sequence[Sequence[str]], lines: Sequence[tuple[str, int]], kind: type[ConfigError]) -> NDArray[np.int64]:
    """Return the coordinates, (words, 8). Raises ``kind`` for one that does not fit 32 bits."""
    try:
        corners = np.array([np.fromiter(map(int, column), np.int64, len(column)) for column in columns])
        if not corners.size or (corners.min() >= -_INT32 and corners.max() < _INT32):
            return corners.T
    except (OverflowError, ValueError):
        pass
    for row, values in enumerate(zip(*columns, strict=True)):
        for value in values:
            if len(value) > 11 or not -_INT32 <= int(value) < _INT32:
                file, line = lines[row]
                raise kind(f"{file}:{line}: coordinate {value:.30} is out of range: it must fit 32 bits")
    raise AssertionError("some coordinate is out of range")


def _confidences(values: Sequence[str], lines: Sequence[tuple[str, int]], kind: type[ConfigError]) -> NDArray[np.float64]:
    try:
        return np.minimum(np.fromiter(map(float, values), np.float64, len(values)), np.finfo(np.float64).max)
    except ValueError:
        for row, value in enumerate(values):
            if not _is_number(value):
                file, line = lines[row]
                hint = "; a text that begins with digits needs a confidence with a point before it" if "," in value else ""
                raise kind(f"{file}:{line}: confidence is {value!r}: it must be {FIELDS['confidence'][1]}{hint}") from None
        raise


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _refuse_counter_clockwise(corners: NDArray[np.int64], lines: Sequence[tuple[str, int]], kind: type[ConfigError]) -> None:
    """Raise ``kind`` for a polygon of negative area, counted with y downwards.

    An area of 0 has no direction and passes.
    """
    if corners.size and np.abs(corners).max() >= _EXACT_BELOW:
        corners = corners.astype(object)
    x, y = corners[:, ::2], corners[:, 1::2]
    wrong = np.flatnonzero(((np.roll(x, -1, axis=1) - x) * (np.roll(y, -1, axis=1) + y)).sum(axis=1) > 0)
    if len(wrong):
        file, line = lines[wrong[0]]
        points = ",".join(map(str, corners[wrong[0]]))
        raise kind(
            f"{file}:{line}: the points {points} run counter-clockwise: they must run clockwise on the image, where y grows downwards"
        )
