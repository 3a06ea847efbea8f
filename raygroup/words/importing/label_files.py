"""Read a folder of word images and its label file.

A byte-order mark, any line ends and the order of columns are accepted. Content that cannot be
understood is an error.
"""

import functools
import hashlib
import os
import posixpath
import re
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from itertools import count, islice
from pathlib import Path, PureWindowsPath
from typing import IO

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.words.importing.image_files import ImageFolder, NoImage, image_key
from raygroup.words.importing.label_rows import Row, parse_labels
from raygroup.words.importing.label_text import count_lines, encoding_error
from raygroup.words.importing.listed_rows import OPTIONAL, ListedRows, ReportProgress, ignore_progress, progress_over

_ROWS_PER_BLOCK = 65536
_IMAGES_PER_BLOCK = 512
SCHEMA = pa.schema([("line", pa.int32()), *((name, pa.string()) for name in ("path", "text", *OPTIONAL))])

Parse = Callable[[Path, IO[str], set[str]], Iterator[Row]]
"""Takes a label file, its text and a set. Yields the rows, and adds the names of the columns to the set."""

_SUSPICIOUS_PATH = re.compile(r"\s*(?:/|[^/]:)|.*\.\.|.*[\0-\x1f\x7f-\x9f]", re.DOTALL)
"""Every path matches that could leave the folder, and every one with a control character."""


def same_path(path: str) -> str:
    """Return the path: in most formats it is the path below the folder of the label file."""
    return path


@dataclass(frozen=True)
class LabelFile:
    """A label file. Its image paths are relative to its folder."""

    file: Path
    parse: Parse = parse_labels
    locate: Callable[[str], str] = same_path
    """Turns a path of the label file into the path of the image below ``root``."""
    format: str = ""
    """Name of another tool's format. The fingerprint depends on it."""
    notes: tuple[str, ...] = ()
    """Notes on the folder, such as files that are passed over."""

    @property
    def root(self) -> Path:
        return self.file.parent

    @property
    def name(self) -> str:
        return self.file.resolve().parent.name

    def rows(self, progress: ReportProgress = ignore_progress) -> ListedRows:
        """Return ``line``, ``path``, ``text`` and the optional columns.

        An optional value is null if it is empty or absent. Raises ConfigError with file and line if
        a row cannot be parsed, or if a path is absolute or leads out of the folder.
        """
        total, columns = count_lines(self.file), set[str]()
        progress = progress_over(total, progress)
        progress("labels read", 0, total)
        with self.file.open(encoding="utf-8-sig", newline="") as stream:
            rows = self._check(self.parse(self.file, stream, columns))
            batches: list[pa.RecordBatch] = []
            while block := list(islice(rows, _ROWS_PER_BLOCK)):
                batches.append(pa.record_batch([*map(list, zip(*block, strict=True))], schema=SCHEMA))
                progress("labels read", min(block[-1][0], total - 1), total)
        progress("labels read", total, total)
        return ListedRows(pa.Table.from_batches(batches, SCHEMA), frozenset(columns), self.notes)

    def place(self, rows: pa.Table, row: int) -> str:
        path = rows["path"][row].as_py()
        # Quotes show blanks at the ends of a path, and escapes the signs that a terminal would obey.
        return f"{self.file.name}:{rows['line'][row]} {path if path.isprintable() and path == path.strip() else repr(path)}"

    def image_keys(self, rows: pa.Table) -> pa.Array:
        """Return a text for each row that is equal for rows of one image."""
        return pa.array([image_key(self.locate(path)) for path in rows["path"].to_pylist()], pa.string())

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | NoImage | None]]:
        """Yield the bytes of every row's image in blocks of rows.

        A row that is not wanted has None.
        """
        with ThreadPoolExecutor(min(32, 4 * (os.cpu_count() or 1))) as pool:
            for start in range(0, rows.num_rows, _IMAGES_PER_BLOCK):
                paths = rows["path"].slice(start, _IMAGES_PER_BLOCK).to_pylist()
                yield list(pool.map(self._read_image, paths, wanted[start : start + _IMAGES_PER_BLOCK]))

    def fingerprint(self, progress: ReportProgress = ignore_progress) -> str:
        """Return the SHA-256 of the label file and every image it names.

        It does not depend on the folder's path.
        """
        rows = self.rows(progress).table
        progress = progress_over(rows.num_rows, progress)
        digest = hashlib.sha256((self.format + self.file.suffix.lower()).encode() + hashlib.sha256(self._content()).digest())
        for start, block in zip(count(0, _IMAGES_PER_BLOCK), self.images(rows, np.ones(rows.num_rows, np.bool_)), strict=False):
            for image in block:
                digest.update(hashlib.sha256(image).digest() if isinstance(image, bytes) else b"missing")
            progress("images read for their hash", start + len(block), rows.num_rows)
        return digest.hexdigest()

    def _content(self) -> bytes:
        """Return the bytes that hold the labels."""
        return self.file.read_bytes()

    @functools.cached_property
    def _folder(self) -> ImageFolder:
        return ImageFolder(self.root)

    def _read_image(self, path: str, wanted: bool) -> bytes | NoImage | None:
        return self._folder.read(self.locate(path)) if wanted else None

    def _check(self, rows: Iterator[Row]) -> Iterator[Row]:
        """Yield the rows, and refuse a path that leaves the folder."""
        try:
            for row in rows:
                if row[1] and _SUSPICIOUS_PATH.match(row[1]):
                    _require_inside(self.file, row[0], row[1])
                yield row
        # The parser reads the file as rows are taken from it, so a decoding error arises here.
        except UnicodeDecodeError as error:
            raise ConfigError(encoding_error(self.file, error)) from error


def _require_inside(file: Path, line: int, path: str) -> None:
    """Raise ConfigError for a path that leads out of the folder, with or without the blanks at its ends."""
    bare = path.strip()
    if bare.startswith("/") or PureWindowsPath(bare).drive or posixpath.normpath(bare).split("/")[0] == "..":
        raise ConfigError(f"{file}:{line}: path is {path!r}: it must be relative to {file.parent} and stay inside it")
    if any(ord(sign) < 32 or 127 <= ord(sign) < 160 for sign in bare):
        raise ConfigError(f"{file}:{line}: path is {path!r}: it holds a control character")
