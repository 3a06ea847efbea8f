"""Read words from Parquet files.

The files may be a word store, or any table of images and texts. Data set libraries write such
tables, often in several files.
"""

import functools
import hashlib
import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.words.importing.image_files import NoImage
from raygroup.words.importing.listed_rows import OPTIONAL, ListedRows, ReportProgress, ignore_progress, missing_column
from raygroup.words.importing.reasons import MISSING
from raygroup.words.labels import normalise
from raygroup.words.word_store import split_of

NEEDED = ("image", "text")
_IMAGES_PER_BLOCK = 512


@dataclass(frozen=True)
class ParquetWords:
    """A Parquet file of words, or a folder of them.

    ``image`` holds bytes, or a struct with the field ``bytes``. ``text`` is needed. ``task``,
    ``split`` and ``source`` are optional.
    """

    file: Path
    """One file, or a folder. The Parquet files of a folder are read in the order of their names."""
    notes: tuple[str, ...] = ()
    """Notes on the folder, such as files that are passed over."""

    @property
    def root(self) -> Path:
        return self.file.parent

    @property
    def name(self) -> str:
        return self.file.resolve().name if self.file.is_dir() else self.file.stem

    @functools.cached_property
    def files(self) -> list[Path]:
        return parquet_files_in(self.file) if self.file.is_dir() else [self.file]

    def rows(self, progress: ReportProgress = ignore_progress) -> ListedRows:
        """Return ``text`` and the optional columns.

        This takes too little time for reports of progress. An optional value is null if it is empty
        or absent. If only some files of a folder give splits, the words of the others get the split
        that they would have alone. Raises ConfigError if a column is missing, has another type, or is
        not UTF-8.
        """
        names: list[frozenset[str]] = []
        tables = [_rows(path, names) for path in self.files]
        columns = frozenset().union(*names)
        if "split" in columns:
            tables = [table if "split" in own else _with_splits(table) for table, own in zip(tables, names, strict=True)]
        return ListedRows(pa.concat_tables(tables), columns, self.notes)

    def place(self, rows: pa.Table, row: int) -> str:
        file = int(np.searchsorted(self._starts, row, side="right")) - 1
        return f"{self.files[file].relative_to(self.file.parent)}: row {row - self._starts[file]}"

    def image_keys(self, rows: pa.Table) -> None:
        """Return None: rows of a table do not name their images."""

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | NoImage | None]]:
        """Yield the bytes of every row's image in blocks of rows.

        A row that is not wanted has None.
        """
        start = 0
        for path in self.files:
            with _open_parquet(path) as file:
                for batch in file.iter_batches(_IMAGES_PER_BLOCK, columns=["image"]):
                    images = batch.column(0)
                    if pa.types.is_struct(images.type):
                        images = images.flatten()[images.type.get_field_index("bytes")]
                    mask = wanted[start : start + len(images)]
                    yield [
                        (image.as_py() or NoImage(MISSING)) if is_wanted else None for image, is_wanted in zip(images, mask, strict=True)
                    ]
                    start += len(images)

    def fingerprint(self, progress: ReportProgress = ignore_progress) -> str:
        """Return the SHA-256 of the file's bytes.

        Several files give the SHA-256 of their hashes, in the order of their names.
        """
        digests = [_digest(path) for path in self.files]
        return digests[0] if len(digests) == 1 else hashlib.sha256("".join(digests).encode()).hexdigest()

    @functools.cached_property
    def _starts(self) -> list[int]:
        """Return the first row of each file."""
        return [0, *itertools.accumulate(pq.read_metadata(path).num_rows for path in self.files[:-1])]


def parquet_files_in(folder: Path) -> list[Path]:
    """Return the Parquet files directly in a folder, by name."""
    return sorted(path for path in folder.glob("*.parquet") if path.is_file() and not path.name.startswith("."))


def parquet_folders_below(folder: Path) -> list[Path]:
    """Return the folders directly in a folder that hold Parquet files, by name."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and parquet_files_in(path))


def _rows(path: Path, columns: list[frozenset[str]]) -> pa.Table:
    with _open_parquet(path) as file:
        columns.append(frozenset(file.schema_arrow.names))
        table = file.read(columns=_columns(path, file.schema_arrow))
    return pa.table({name: _strings(path, table, name) for name in ("text", *OPTIONAL)})


def _with_splits(table: pa.Table) -> pa.Table:
    """Give each row the split of its word."""
    splits = pa.array([split_of(normalise(text or "")) for text in table["text"].to_pylist()], pa.string())
    return table.set_column(table.column_names.index("split"), "split", splits)


def _digest(path: Path) -> str:
    with path.open("rb") as stream:
        return hashlib.file_digest(stream, "sha256").hexdigest()


def _open_parquet(path: Path) -> pq.ParquetFile:
    try:
        return pq.ParquetFile(path)
    except (OSError, pa.ArrowInvalid) as error:
        raise ConfigError(f"{path}: not a readable Parquet file: {error}") from error


def _columns(path: Path, schema: pa.Schema) -> list[str]:
    """Return the columns to read besides the image. Raises ConfigError if one cannot be used."""
    if missing := [name for name in NEEDED if schema.names.count(name) != 1]:
        raise missing_column(path, missing, schema.names, NEEDED)
    kind = schema.field("image").type
    if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
        kind = kind.field("bytes").type
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind) or pa.types.is_binary_view(kind)):
        raise ConfigError(f"{path}: column 'image' is {kind}: it must be bytes, or a struct with the field 'bytes'")
    return [name for name in ("text", *OPTIONAL) if name in schema.names]


def _strings(path: Path, table: pa.Table, name: str) -> pa.ChunkedArray:
    """Return a column as strings. Only ``text`` keeps the blanks at its ends."""
    if name not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    column = table[name]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    is_text = pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_string_view(kind)
    if not (is_text or pa.types.is_null(kind)):
        raise ConfigError(f"{path}: column '{name}' is {column.type}: it must be strings")
    strings = column.cast(pa.string())
    _require_utf8(path, name, strings)
    if name == "text":
        return strings
    trimmed = pc.utf8_trim_whitespace(strings)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)


def _require_utf8(path: Path, name: str, strings: pa.ChunkedArray) -> None:
    """Raise ConfigError with the first row that is not UTF-8. Arrow does not look when it reads a file."""
    try:
        strings.validate(full=True)
        return
    except pa.ArrowInvalid:
        values = strings.cast(pa.binary()).to_pylist()
    for row, value in enumerate(values):
        try:
            (value or b"").decode()
        except UnicodeDecodeError as error:
            raise ConfigError(f"{path}: row {row}: column '{name}' is {value[:20]!r}: not UTF-8: save it as UTF-8") from error
