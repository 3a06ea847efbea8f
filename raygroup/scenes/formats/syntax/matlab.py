"""Read cell arrays from .mat files (MATLAB 5).

This covers the arrays of label files: cells hold text or numbers, one level deep.
``scipy.io.loadmat`` is no alternative. It follows nested cells by unbounded recursion in C, so 40
KB of them crash the process.
"""

import zlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice

import numpy as np

from raygroup.errors import MatFileError

Cell = str | tuple[float, ...]

MAX_UNPACKED = 8 << 20
"""Bytes of an unpacked .mat file; Total-Text's have a few thousand."""
_COMPRESSED, _MATRIX = 15, 14
_CELL, _CHAR, _NUMERIC = 1, 4, range(6, 16)
_TYPES = {1: "i1", 2: "u1", 3: "i2", 4: "u2", 5: "i4", 6: "u4", 7: "f4", 9: "f8", 12: "i8", 13: "u8"}
_UTF = {16: "utf-8", 17: "utf-16", 18: "utf-32"}
_MAX_DEPTH = 2


@dataclass(frozen=True, slots=True)
class _Element:
    kind: int
    body: bytes


@dataclass(frozen=True, slots=True)
class _Array:
    name: str
    rows: int
    cells: list[Cell]
    """Cells in column order; an array of text or numbers is one cell."""


def cell_rows(content: bytes, names: Sequence[str]) -> list[list[Cell]]:
    """Return the rows of the array with one of these names.

    The first of the names counts before the others. A cell within a cell counts as its content.
    Raises MatFileError.
    """
    if len(content) < 128 or content[126:128] not in (b"IM", b"MI"):
        raise MatFileError("not a MATLAB 5 file: its header does not end in IM or MI")
    order = "<" if content[126:128] == b"IM" else ">"
    other_names: list[str] = []
    arrays: dict[str, list[list[Cell]]] = {}
    for element in _elements(content[128:], order):
        body = _unpack(element.body, order) if element.kind == _COMPRESSED else element
        array = _array(body, order, 0)
        other_names.append(array.name)
        if array.name in names:
            arrays.setdefault(array.name, [array.cells[row :: array.rows] for row in range(array.rows)])
        if names[0] in arrays:
            break
    if arrays:
        return next(arrays[name] for name in names if name in arrays)
    raise MatFileError(f"expected an array called {' or '.join(names)}, found {', '.join(map(repr, other_names[:5])) or 'none'}")


def _elements(content: bytes, order: str) -> Iterator[_Element]:
    at = 0
    while at + 8 <= len(content):
        kind, size = (int(value) for value in np.frombuffer(content, f"{order}u4", 2, at))
        start = at + 8
        # a small element: size and kind share four bytes, and at most four bytes of data follow
        if kind >> 16:
            kind, size, start = kind & 0xFFFF, kind >> 16, at + 4
            at += 8
        else:
            at = start + size + (0 if kind == _COMPRESSED else -size % 8)
        if start + size > len(content):
            raise MatFileError(f"an element claims {size:,} bytes, but only {len(content) - start:,} are left")
        yield _Element(kind, content[start : start + size])


def _unpack(body: bytes, order: str) -> _Element:
    inflater = zlib.decompressobj()
    try:
        content = inflater.decompress(body, MAX_UNPACKED)
    except zlib.error as error:
        raise MatFileError(f"a compressed element is broken: {error}") from error
    if inflater.unconsumed_tail:
        raise MatFileError(f"a compressed element unpacks to more than {MAX_UNPACKED >> 20} MB")
    return next(_elements(content, order), _Element(0, b""))


def _array(element: _Element, order: str, depth: int) -> _Array:
    if element.kind != _MATRIX:
        raise MatFileError(f"expected an array, got an element of type {element.kind}")
    parts = _elements(element.body, order)
    head = [*islice(parts, 3)]
    if not head:
        return _Array("", 0, [""])
    if len(head) < 3 or len(head[0].body) < 4 or len(head[1].body) < 8:
        raise MatFileError("an array has no flags, dimensions or name")
    kind = int(np.frombuffer(head[0].body, f"{order}u4", 1)[0]) & 0xFF
    name = head[2].body.decode("latin-1")
    if kind == _CELL and depth < _MAX_DEPTH:
        rows = int(np.frombuffer(head[1].body, f"{order}i4", 1)[0])
        cells = [_array(part, order, depth + 1).cells for part in parts]
        if rows < 0 or rows > len(cells) or (rows and len(cells) % rows):
            raise MatFileError(f"an array claims {rows:,} rows, but has {len(cells):,} cells in all")
        return _Array(name, rows, [cell[0] if cell else "" for cell in cells])
    data = next(parts, _Element(2, b""))
    if kind == _CHAR:
        return _Array(name, 1, [_text(data, order)])
    if kind in _NUMERIC:
        return _Array(name, 1, [tuple(_values(data, order))])
    nested = " too deep in cells" if kind == _CELL else ""
    raise MatFileError(f"expected text, numbers or cells of them, got an array of class {kind}{nested}")


def _text(data: _Element, order: str) -> str:
    if data.kind in _UTF:
        codec = _UTF[data.kind] + ("" if data.kind == 16 else "-le" if order == "<" else "-be")
        try:
            return data.body.decode(codec)
        except UnicodeDecodeError as error:
            raise MatFileError(f"a text is not {codec}: {error.reason}") from error
    units = np.asarray(_values(data, order), np.int64) & 0xFFFF
    try:
        return units.astype("<u2").tobytes().decode("utf-16-le")
    except UnicodeDecodeError as error:
        raise MatFileError("a text contains half a character") from error


def _values(data: _Element, order: str) -> list[float]:
    if data.kind not in _TYPES:
        raise MatFileError(f"expected numbers, got data of type {data.kind}")
    kind = np.dtype(f"{order}{_TYPES[data.kind]}")
    return [*map(float, np.frombuffer(data.body, kind, len(data.body) // kind.itemsize).tolist())]
