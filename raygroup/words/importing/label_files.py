"""Read a folder of word images and its label file.

A byte-order mark, any line ends and the order of columns are accepted. Content that cannot be
understood is an error.
"""

import csv
import hashlib
import json
import os
import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import islice
from pathlib import Path, PureWindowsPath
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError

SUFFIXES = (".csv", ".tsv", ".jsonl")
NEEDED = ("path", "text")
OPTIONAL = ("task", "split", "source")

_ROWS_PER_BATCH = 65536
_IMAGES_PER_BLOCK = 512
_SCHEMA = pa.schema([("line", pa.int32()), *((name, pa.string()) for name in (*NEEDED, *OPTIONAL))])

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""A lone surrogate. JSON can spell one, but no UTF-8 file can hold it."""

Row = tuple[int, str | None, str | None, str | None, str | None, str | None]


@dataclass(frozen=True)
class LabelFile:
    """A label file. Its image paths are relative to its folder."""

    file: Path

    @property
    def name(self) -> str:
        return self.file.resolve().parent.name

    def rows(self) -> pa.Table:
        """Return ``line``, ``path``, ``text`` and the optional columns.

        An optional value is null if it is empty or absent. Raises ConfigError with file and line if
        a row cannot be parsed, or if a path is absolute or leads out of the folder.
        """
        with self.file.open(encoding="utf-8-sig", newline="") as stream:
            parse = _parse_json_lines if self.file.suffix.lower() == ".jsonl" else _parse_separated
            rows = _check_paths(self.file, parse(self.file, stream))
            blocks = iter(lambda: list(islice(rows, _ROWS_PER_BATCH)), [])
            batches = [pa.record_batch([*map(list, zip(*block, strict=True))], schema=_SCHEMA) for block in blocks]
        return pa.Table.from_batches(batches, _SCHEMA)

    def place(self, rows: pa.Table, row: int) -> str:
        return f"{self.file.name}:{rows['line'][row]} {rows['path'][row]}"

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | None]]:
        """Yield the bytes of every row's image in blocks of rows.

        The bytes are None if the row is not wanted or the file cannot be read.
        """
        with ThreadPoolExecutor(min(32, 4 * (os.cpu_count() or 1))) as pool:
            for start in range(0, rows.num_rows, _IMAGES_PER_BLOCK):
                paths = rows["path"].slice(start, _IMAGES_PER_BLOCK).to_pylist()
                yield list(pool.map(self._read_image, paths, wanted[start : start + _IMAGES_PER_BLOCK]))

    def fingerprint(self) -> str:
        """Return the SHA-256 of the label file and every image it names.

        It does not depend on the folder's path.
        """
        rows = self.rows()
        digest = hashlib.sha256(self.file.suffix.lower().encode() + hashlib.sha256(self.file.read_bytes()).digest())
        for block in self.images(rows, np.ones(rows.num_rows, np.bool_)):
            for image in block:
                digest.update(b"missing" if image is None else hashlib.sha256(image).digest())
        return digest.hexdigest()

    def _read_image(self, path: str, wanted: bool) -> bytes | None:
        try:
            return (self.file.parent / path).read_bytes() if wanted else None
        except (OSError, ValueError):
            return None


def label_file_in(folder: Path) -> LabelFile:
    """Return the one label file of a folder.

    Raises ConfigError if there is none or more than one.
    """
    files = [folder / f"labels{suffix}" for suffix in SUFFIXES if (folder / f"labels{suffix}").is_file()]
    if len(files) > 1:
        raise ConfigError(f"{folder}: {' and '.join(file.name for file in files)}: keep one, or give the path of the one to read")
    if not files:
        raise ConfigError(f"{folder}: no label file; it must hold one of {', '.join('labels' + suffix for suffix in SUFFIXES)}")
    return LabelFile(files[0])


def missing_column(place: object, missing: Sequence[str], present: Sequence[str], needed: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"{place}: no column {' or '.join(map(repr, missing))}; found: {', '.join(present) or 'none'}; "
        f"needed: {', '.join(needed)}; optional: {', '.join(OPTIONAL)}"
    )


def _parse_separated(file: Path, stream: IO[str]) -> Iterator[Row]:
    """Yield the rows of a csv or tsv file.

    In csv, a field with a comma stands in quotes, and a quote in it is doubled. In tsv, every
    character except the tab is text.
    """
    is_tsv = file.suffix.lower() == ".tsv"
    reader = csv.reader(stream, delimiter="\t" if is_tsv else ",", quoting=csv.QUOTE_NONE if is_tsv else csv.QUOTE_MINIMAL, strict=True)
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        if missing := [name for name in NEEDED if header.count(name) != 1]:
            raise missing_column(file, missing, header, NEEDED)
        for fields in reader:
            if fields and len(fields) != len(header):
                hint = "" if is_tsv else "; put a text with a comma in quotes"
                raise ConfigError(f"{file}:{reader.line_num}: expected {len(header)} fields ({','.join(header)}), got {len(fields)}{hint}")
            if fields:
                yield _row(reader.line_num, dict(zip(header, fields, strict=True)))
    except csv.Error as error:
        raise ConfigError(f"{file}:{reader.line_num}: {error}") from error


def _parse_json_lines(file: Path, stream: IO[str]) -> Iterator[Row]:
    """Yield the rows of a jsonl file, one object per line."""
    for line, text in enumerate(stream, start=1):
        if not text.strip():
            continue
        try:
            fields = json.loads(text)
        except ValueError as error:
            raise ConfigError(f"{file}:{line}: not JSON: {error}") from error
        if not isinstance(fields, dict):
            raise ConfigError(f"{file}:{line}: expected an object with {', '.join(NEEDED)}, got {text.strip():.40}")
        if missing := [name for name in NEEDED if name not in fields]:
            raise missing_column(f"{file}:{line}", missing, list(fields), NEEDED)
        for name in (*NEEDED, *OPTIONAL):
            value = fields.get(name)
            if not isinstance(value, str | None) or _HALF_CHARACTER.search(value or ""):
                raise ConfigError(f"{file}:{line}: {name} is {value!r}: it must be a string of whole characters")
        yield _row(line, fields)


def _row(line: int, fields: Mapping[str, str | None]) -> Row:
    path, text = (fields.get(name) or "" for name in NEEDED)
    task, split, source = ((fields.get(name) or "").strip() or None for name in OPTIONAL)
    return line, path.replace("\\", "/"), text, task, split, source


def _check_paths(file: Path, rows: Iterator[Row]) -> Iterator[Row]:
    """Yield the rows, and refuse a path that leaves the folder."""
    try:
        for row in rows:
            path = row[1] or ""
            if path.startswith("/") or PureWindowsPath(path).drive or posixpath.normpath(path).split("/")[0] == "..":
                raise ConfigError(f"{file}:{row[0]}: path is {path!r}: it must be relative to {file.parent} and stay inside it")
            yield row
    # The parser reads the file as rows are taken from it, so a decoding error arises here.
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from error
