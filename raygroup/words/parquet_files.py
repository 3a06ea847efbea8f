"""Words in a Parquet file: our own store, or any table with images and texts, as data set libraries write them."""

import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raygroup.config import ConfigError
from raygroup.words.label_files import OPTIONAL, missing_column

NEEDED = ("image", "text")
_READ_AT_A_TIME = 512


@dataclass(frozen=True)
class ParquetWords:
    """``image``: bytes, or a struct with the field ``bytes``; ``text``; ``task``, ``split`` and ``source`` where they are there."""

    file: Path

    @property
    def name(self) -> str:
        return self.file.stem

    def rows(self) -> pa.Table:
        """``text`` and the optional columns, null where empty or absent; raises ConfigError for a column that is not there or of another
        type."""
        with self._open() as file:
            columns = self._columns(file.schema_arrow)
            table = file.read(columns=columns)
        return pa.table({name: self._strings(table, name) for name in ("text", *OPTIONAL)})

    def place(self, rows: pa.Table, row: int) -> str:
        return f"{self.file.name}: row {row}"

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | None]]:
        """The bytes of every row's image, some hundred at a time; None where the row is not wanted or has none."""
        start = 0
        with self._open() as file:
            for batch in file.iter_batches(_READ_AT_A_TIME, columns=["image"]):
                images = batch.column(0)
                if pa.types.is_struct(images.type):
                    images = images.flatten()[images.type.get_field_index("bytes")]
                chosen = wanted[start : start + len(images)]
                yield [image.as_py() if keep else None for image, keep in zip(images, chosen, strict=True)]
                start += len(images)

    def fingerprint(self) -> str:
        """Of the file's bytes."""
        with self.file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _open(self) -> pq.ParquetFile:
        try:
            return pq.ParquetFile(self.file)
        except (OSError, pa.ArrowInvalid) as error:
            raise ConfigError(f"{self.file}: not a readable Parquet file: {error}") from error

    def _columns(self, schema: pa.Schema) -> list[str]:
        if missing := [name for name in NEEDED if schema.names.count(name) != 1]:
            raise missing_column(self.file, missing, schema.names, NEEDED)
        kind = schema.field("image").type
        if pa.types.is_struct(kind) and kind.get_field_index("bytes") >= 0:
            kind = kind.field("bytes").type
        if not (pa.types.is_binary(kind) or pa.types.is_large_binary(kind)):
            raise ConfigError(f"{self.file}: column 'image' is {kind}: it must be bytes, or a struct with the field 'bytes'")
        return [name for name in ("text", *OPTIONAL) if name in schema.names]

    def _strings(self, table: pa.Table, name: str) -> pa.ChunkedArray:
        if name not in table.column_names:
            return pa.chunked_array([pa.nulls(table.num_rows, pa.string())])
        column = table[name]
        kind = column.type.value_type if pa.types.is_dictionary(column.type) else column.type
        if not (pa.types.is_string(kind) or pa.types.is_large_string(kind) or pa.types.is_null(kind)):
            raise ConfigError(f"{self.file}: column '{name}' is {column.type}: it must be strings")
        strings = column.cast(pa.string())
        if name == "text":
            return strings
        trimmed = pc.utf8_trim_whitespace(strings)
        return pc.if_else(pc.equal(trimmed, ""), None, trimmed)
