"""A folder of word images and its label file: tolerant of how the file was saved, strict about what it says."""

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

_PARSED_AT_A_TIME = 65536
_READ_AT_A_TIME = 512
_SCHEMA = pa.schema([("line", pa.int32()), *((name, pa.string()) for name in (*NEEDED, *OPTIONAL))])

_HALF_CHARACTER = re.compile("[\ud800-\udfff]")
"""JSON can spell surrogates alone, which no file in UTF-8 can hold."""

Row = tuple[int, str | None, str | None, str | None, str | None, str | None]


@dataclass(frozen=True)
class LabelFile:
    """A label file; the paths in it are relative to its folder."""

    file: Path

    @property
    def name(self) -> str:
        return self.file.resolve().parent.name

    def rows(self) -> pa.Table:
        """``line``, ``path``, ``text`` and the optional columns, null where empty or absent.

        Raises ConfigError with file and line for what is no row, and for a path that is absolute or leads out of the folder."""
        with self.file.open(encoding="utf-8-sig", newline="") as stream:
            parse = _json_lines if self.file.suffix.lower() == ".jsonl" else _separated
            rows = _checked(self.file, parse(self.file, stream))
            blocks = iter(lambda: list(islice(rows, _PARSED_AT_A_TIME)), [])
            batches = [pa.record_batch([*map(list, zip(*block, strict=True))], schema=_SCHEMA) for block in blocks]
        return pa.Table.from_batches(batches, _SCHEMA)

    def place(self, rows: pa.Table, row: int) -> str:
        return f"{self.file.name}:{rows['line'][row]} {rows['path'][row]}"

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | None]]:
        """The bytes of every row's image, some hundred at a time; None where the row is not wanted or there is no file."""
        with ThreadPoolExecutor(min(32, 4 * (os.cpu_count() or 1))) as pool:
            for start in range(0, rows.num_rows, _READ_AT_A_TIME):
                paths = rows["path"].slice(start, _READ_AT_A_TIME).to_pylist()
                yield list(pool.map(self._bytes, paths, wanted[start : start + _READ_AT_A_TIME]))

    def fingerprint(self) -> str:
        """Of the label file and of every image it names, wherever the folder lies."""
        rows = self.rows()
        whole = hashlib.sha256(self.file.suffix.lower().encode() + hashlib.sha256(self.file.read_bytes()).digest())
        for block in self.images(rows, np.ones(rows.num_rows, np.bool_)):
            for image in block:
                whole.update(b"missing" if image is None else hashlib.sha256(image).digest())
        return whole.hexdigest()

    def _bytes(self, path: str, wanted: bool) -> bytes | None:
        try:
            return (self.file.parent / path).read_bytes() if wanted else None
        except (OSError, ValueError):
            return None


def label_file_in(folder: Path) -> LabelFile:
    """The one label file of a folder; a ConfigError where there is none or more than one."""
    found = [folder / f"labels{suffix}" for suffix in SUFFIXES if (folder / f"labels{suffix}").is_file()]
    if len(found) > 1:
        raise ConfigError(f"{folder}: {' and '.join(file.name for file in found)}: keep one, or give the path of the one to read")
    if not found:
        raise ConfigError(f"{folder}: no label file; it must hold one of {', '.join('labels' + suffix for suffix in SUFFIXES)}")
    return LabelFile(found[0])


def missing_column(file: Path, missing: Sequence[str], found: Sequence[str], needed: Sequence[str]) -> ConfigError:
    return ConfigError(
        f"{file}: no column {' or '.join(map(repr, missing))}; found: {', '.join(found) or 'none'}; "
        f"needed: {', '.join(needed)}; optional: {', '.join(OPTIONAL)}"
    )


def _separated(file: Path, stream: IO[str]) -> Iterator[Row]:
    """In csv, quotes hold commas and double themselves; in tsv, every sign but the tab is text."""
    is_tsv = file.suffix.lower() == ".tsv"
    reader = csv.reader(stream, delimiter="\t" if is_tsv else ",", quoting=csv.QUOTE_NONE if is_tsv else csv.QUOTE_MINIMAL, strict=True)
    try:
        header = [name.strip().casefold() for name in next(reader, [])]
        if missing := [name for name in NEEDED if header.count(name) != 1]:
            raise missing_column(file, missing, header, NEEDED)
        for fields in reader:
            if fields and len(fields) != len(header):
                hint = "" if is_tsv else "; a text with a comma stands in quotes"
                raise ConfigError(f"{file}:{reader.line_num}: expected {len(header)} fields ({','.join(header)}), got {len(fields)}{hint}")
            if fields:
                yield _row(reader.line_num, dict(zip(header, fields, strict=True)))
    except csv.Error as error:
        raise ConfigError(f"{file}:{reader.line_num}: {error}") from error


def _json_lines(file: Path, stream: IO[str]) -> Iterator[Row]:
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
            raise missing_column(Path(f"{file}:{line}"), missing, list(fields), NEEDED)
        for name in (*NEEDED, *OPTIONAL):
            value = fields.get(name)
            if not isinstance(value, str | None) or _HALF_CHARACTER.search(value or ""):
                raise ConfigError(f"{file}:{line}: {name} is {value!r}: it must be a string of whole characters")
        yield _row(line, fields)


def _row(line: int, fields: Mapping[str, str | None]) -> Row:
    path, text = (fields.get(name) or "" for name in NEEDED)
    task, split, source = ((fields.get(name) or "").strip() or None for name in OPTIONAL)
    return line, path.replace("\\", "/"), text, task, split, source


def _checked(file: Path, rows: Iterator[Row]) -> Iterator[Row]:
    try:
        for row in rows:
            path = row[1] or ""
            if path.startswith("/") or PureWindowsPath(path).drive or posixpath.normpath(path).split("/")[0] == "..":
                raise ConfigError(f"{file}:{row[0]}: path is {path!r}: it must be relative to {file.parent} and stay inside it")
            yield row
    except UnicodeDecodeError as error:
        raise ConfigError(f"{file}: not UTF-8 ({error.reason} at byte {error.start}): save it as UTF-8") from error
