"""Files of one word a line, eight coordinates first, as MLT19 and ICDAR15 have them: read all at once, refused line by line."""

import re
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.scoring.archive_entries import Entry
from raygroup.scoring.word_columns import Annotated, Places, quadrilaterals

SCRIPTS = ("Arabic", "Latin", "Chinese", "Japanese", "Korean", "Bangla", "Hindi", "Symbols", "Mixed", "None")

_BLANKS = r"[^\S\n]*"
_FIELDS = {
    "coordinate": (r"-?[0-9]+", "a whole number"),
    "confidence": (r"[0-1].?[0-9]*", "a number such as 0.9500, with 0 or 1 before the point and no exponent (write %.4f)"),
    "script": ("|".join(SCRIPTS), f"one of {', '.join(SCRIPTS)}"),
    "text": (r".*", "any text"),
}
"""Field -> what it looks like, and how messages say so. The confidence takes any character for its point, as the official script does."""

_INT32 = 2**31
_ROWS_AT_A_TIME = 1 << 14
_EXACT_BELOW = 2**28
"""Coordinates whose sums of products fit 64 bits."""


@dataclass(frozen=True)
class Layout:
    """What stands in a line after ``x1,y1,...,x4,y4``, and what else the script asks of it."""

    fields: tuple[str, ...]
    clockwise: bool = True
    """Whether a counter-clockwise polygon is refused."""
    byte_order_mark: bool = False
    """Whether a file may begin with one, which is dropped."""
    spelling: Callable[[str], str] = field(default=lambda text: text)
    """The text of a word from that of its line."""

    @cached_property
    def line(self) -> re.Pattern[str]:
        """One line. Blanks may surround coordinates, confidence and script; a text is everything after its comma."""
        names = ["coordinate"] * 8 + list(self.fields)
        parts = [f"({_FIELDS[name][0]})" if name == "text" else f"{_BLANKS}({_FIELDS[name][0]}){_BLANKS}" for name in names]
        return re.compile("^" + ",".join(parts) + "$", re.MULTILINE)

    @property
    def told(self) -> str:
        return ",".join(["x1,y1,x2,y2,x3,y3,x4,y4", *self.fields])


def read_words(files: Mapping[str, Entry], images: Sequence[str], layout: Layout, kind: type[ConfigError]) -> Annotated:
    """The words of all files, each of an image in ``images``. Raises ``kind`` with file and line for what the official script refuses.

    ``\\r`` is dropped wherever it stands, empty lines are passed over, bytes that are not UTF-8 become U+FFFD.
    """
    rows: list[tuple[str, ...]] = []
    blocks: list[_Block] = []
    lines: list[tuple[str, int]] = []
    sizes = []
    for image in images:
        found, numbers = _lines(files[image], layout, kind) if image in files else ([], [])
        rows += found
        lines += [(files[image].place, number) for number in numbers]
        sizes.append(len(found))
        if len(rows) >= _ROWS_AT_A_TIME:
            blocks.append(_block(rows, lines[-len(rows) :], layout, kind))
            rows = []
    blocks.append(_block(rows, lines[len(lines) - len(rows) :], layout, kind))
    texts = [text for block in blocks for text in block.texts]
    scripts = [script for block in blocks for script in block.scripts]
    return Annotated(
        images=tuple(images),
        image=np.repeat(np.arange(len(images)), sizes),
        polygons=quadrilaterals(np.concatenate([block.corners for block in blocks])),
        texts=texts if "text" in layout.fields else (),
        scripts=scripts if "script" in layout.fields else (),
        confidences=np.concatenate([block.confidences for block in blocks]) if "confidence" in layout.fields else None,
        places=Places(lines),
    )


@dataclass(frozen=True)
class _Block:
    """Some words, as columns; empty where the layout has no such field."""

    corners: NDArray[np.int64]
    texts: list[str]
    scripts: list[str]
    confidences: NDArray[np.float64]


def _block(rows: Sequence[tuple[str, ...]], lines: Sequence[tuple[str, int]], layout: Layout, kind: type[ConfigError]) -> _Block:
    """What the fields of these lines mean; strings of numbers are gone then, which take ten times the room."""
    columns = list(zip(*rows, strict=True)) or [()] * (8 + len(layout.fields))
    corners = _corners(columns[:8], lines, kind)
    if layout.clockwise:
        _refuse_counter_clockwise(corners, lines, kind)
    named = dict(zip(layout.fields, columns[8:], strict=True))
    return _Block(
        corners=corners,
        texts=[layout.spelling(text) for text in named.get("text", ())],
        scripts=[sys.intern(script) for script in named.get("script", ())],
        confidences=_confidences(named.get("confidence", ()), lines, kind),
    )


def decoded(entry: Entry, byte_order_mark: bool, kind: type[ConfigError]) -> str:
    """A file as text; a byte-order mark at its start is dropped or refused."""
    text = entry.content.decode("utf-8", "replace")
    if text.startswith("\ufeff"):
        if not byte_order_mark:
            raise kind(f"{entry.place}:1: begins with a byte-order mark, which the official script takes for broken UTF-8: save it without")
        text = text[1:]
    return text


def _lines(entry: Entry, layout: Layout, kind: type[ConfigError]) -> tuple[list[tuple[str, ...]], list[int]]:
    """The fields of a file's lines, and the lines' numbers."""
    text = decoded(entry, layout.byte_order_mark, kind).replace("\r", "")
    numbers = [number for number, line in enumerate(text.split("\n"), 1) if line]
    found = layout.line.findall(text)
    if len(found) != len(numbers):
        lines = text.split("\n")
        wrong = next(number for number in numbers if not layout.line.fullmatch(lines[number - 1]))
        raise kind(f"{entry.place}:{wrong}: {_fault(lines[wrong - 1], layout)}")
    return found, numbers


def _fault(line: str, layout: Layout) -> str:
    """What is wrong with a line that has not the layout: the first field that is not one."""
    names = ["coordinate"] * 8 + list(layout.fields)
    values = line.split(",", len(names) - 1)
    for place, (name, value) in enumerate(zip(names, values, strict=False)):
        if not re.fullmatch(_FIELDS[name][0], value.strip()):
            called = ("x", "y")[place % 2] + str(place // 2 + 1) if name == "coordinate" else name
            return f"{called} is {value.strip():.60}: it must be {_FIELDS[name][1]} (a line is {layout.told})"
    if len(values) < len(names):
        return f"expected {len(names)} comma-separated fields ({layout.told}), got {len(values)}"
    return f"not a line of {layout.told}: {line:.80}"


def _corners(columns: Sequence[Sequence[str]], lines: Sequence[tuple[str, int]], kind: type[ConfigError]) -> NDArray[np.int64]:
    """(words, 8)."""
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
                raise kind(f"{file}:{line}: confidence is {value!r}: it must be {_FIELDS['confidence'][1]}{hint}") from None
        raise


def _is_number(value: str) -> bool:
    try:
        float(value)
    except ValueError:
        return False
    return True


def _refuse_counter_clockwise(corners: NDArray[np.int64], lines: Sequence[tuple[str, int]], kind: type[ConfigError]) -> None:
    """A polygon whose area, counted with y downwards, is negative; none is of no direction, and passes."""
    if corners.size and np.abs(corners).max() >= _EXACT_BELOW:
        corners = corners.astype(object)
    x, y = corners[:, ::2], corners[:, 1::2]
    turned = np.flatnonzero(((np.roll(x, -1, axis=1) - x) * (np.roll(y, -1, axis=1) + y)).sum(axis=1) > 0)
    if len(turned):
        file, line = lines[turned[0]]
        points = ",".join(map(str, corners[turned[0]]))
        raise kind(
            f"{file}:{line}: the points {points} run counter-clockwise: they must run clockwise on the image, where y grows downwards"
        )
