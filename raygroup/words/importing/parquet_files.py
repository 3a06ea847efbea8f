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
from raygroup.words.importing.label_files import OPTIONAL, missing_column

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

    @property
    def name(self) -> str:
        return self.file.resolve().name if self.file.is_dir() else self.file.stem

    @functools.cached_property
    def files(self) -> list[Path]:
        return parquet_files_in(self.file) if self.file.is_dir() else [self.file]

    def rows(self) -> pa.Table:
        """Return ``text`` and the optional columns.

        An optional value is null if it is empty or absent. Raises ConfigError if a column is missing
        or has another type.
        """
        return pa.concat_tables([_rows(path) for path in self.files])

    def place(self, rows: pa.Table, row: int) -> str:
        file = int(np.searchsorted(self._starts, row, side="right")) - 1
        return f"{self.files[file].relative_to(self.file.parent)}: row {row - self._starts[file]}"

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | None]]:
        """Yield the bytes of every row's image in blocks of rows.

        The bytes are None if the row is not wanted or has no image.
        """
        start = 0
        for path in self.files:
            with _open_parquet(path) as file:
                for batch in file.iter_batches(_IMAGES_PER_BLOCK, columns=["image"]):
                    images = batch.column(0)
                    if pa.types.is_struct(images.type):
                        images = images.flatten()[images.type.get_field_index("bytes")]
                    mask = wanted[start : start + len(images)]
                    yield [image.as_py() if is_wanted else None for image, is_wanted in zip(images, mask, strict=True)]
                    start += len(images)

    def fingerprint(self) -> str:
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


def _rows(path: Path) -> pa.Table:
    with _open_parquet(path) as file:
        table = file.read(columns=_columns(path, file.schema_arrow))
    return pa.table({name: _strings(path, table, name) for name in ("text", *OPTIONAL)})


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
    if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
        raise ConfigError(f"{path}: column 'image' is {kind}: it must be bytes, or a struct with the field 'bytes'")
    return [name for name in ("text", *OPTIONAL) if name in schema.names]


def _strings(path: Path, table: pa.Table, name: str) -> pa.ChunkedArray:
    """Return a column as strings. Only ``text`` keeps the blanks at its ends."""
    if name not in table.column_names:
        return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
    column = table[name]
    kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
    if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
        raise ConfigError(f"{path}: column '{name}' is {column.type}: it must be strings")
    strings = column.cast(pa.string())
    if name == "text":
        return strings
    trimmed = pc.utf8_trim_whitespace(strings)
    return pc.if_else(pc.equal(trimmed, ""), None, trimmed)
