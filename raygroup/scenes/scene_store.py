"""The two Parquet stores of an import: scenes and cropped words.

Each store is a folder of parts. ``OUT/scenes`` is the training and test data of a text spotter.
``OUT/words`` is a data set for ``python -m raygroup.sweep --words``.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write
from raygroup.scenes.scene import Instance

SCENE_STORE_VERSION = 1
ROW_GROUP_SIZE = 64
"""Rows of a row group, the unit held in memory. For scenes it is about 20 MB."""

INSTANCE_TYPE = pa.struct(
    [
        pa.field("polygon", pa.list_(pa.float32())),
        pa.field("text", pa.string(), nullable=False),
        pa.field("script", pa.string()),
        pa.field("task", pa.string()),
        pa.field("dont_care", pa.bool_(), nullable=False),
        pa.field("contradicts", pa.bool_(), nullable=False),
    ]
)
"""One labelled text of a scene.

``polygon`` is x, y, x, y, ... in stored pixels, or null for the whole image. ``contradicts`` is
true if no character belongs to the labelled script.
"""

SCENE_SCHEMA = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("image", pa.binary(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("labels", pa.string(), nullable=False),
        pa.field("instances", pa.list_(INSTANCE_TYPE), nullable=False),
    ],
    metadata={b"raygroup": f"scenes {SCENE_STORE_VERSION}".encode()},
)
"""Columns of a scene. ``image`` holds the original bytes, ``labels`` the place of the labels."""

SCENE_WORD_SCHEMA = pa.schema(
    [
        pa.field("image", pa.binary(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("task", pa.string()),
        pa.field("script", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("scene", pa.string(), nullable=False),
        pa.field("instance", pa.int32(), nullable=False),
        pa.field("unit", pa.string(), nullable=False),
        pa.field("contradicts", pa.bool_(), nullable=False),
    ],
    metadata={b"raygroup": f"scene words {SCENE_STORE_VERSION}".encode()},
)
"""Columns of a word.

``image`` is the encoded crop, ``text`` the raw transcription, ``label`` the normalised one. ``task``
is null if the data set does not give it; then the characters decide. ``instance`` is the number in
the scene, from 0. ``unit`` is "word" or "phrase".
"""


@dataclass(frozen=True, slots=True)
class StoredScene:
    """A scene read from a store."""

    name: str
    source: str
    image: bytes
    width: int
    height: int
    instances: tuple[Instance, ...]


def write_part(path: Path, rows: Sequence[dict[str, Any]], schema: pa.Schema) -> int:
    """Write a part atomically, and return its size in bytes."""
    repetitive = [name for name in ("task", "script", "source", "scene", "labels", "unit") if name in schema.names]
    with (
        atomic_write(path) as file,
        pq.ParquetWriter(
            file, schema, compression={name: "NONE" if name == "image" else "ZSTD" for name in _leaves(schema)}, use_dictionary=repetitive,
            write_page_checksum=True,
        ) as writer,
    ):  # fmt: skip
        for start in range(0, len(rows), ROW_GROUP_SIZE):
            writer.write_table(pa.Table.from_pylist([*rows[start : start + ROW_GROUP_SIZE]], schema=schema))
    return path.stat().st_size


def read_scenes(path: Path) -> Iterator[StoredScene]:
    """Yield the scenes of a store, in the order of its parts.

    ``path`` is the output folder of an import, its ``scenes`` folder, or one part. Raises
    ConfigError if there is no store, or if it has another version.
    """
    for part in scene_parts(path):
        with pq.ParquetFile(part) as file:
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group).to_pylist():
                    yield scene_of_row(row)


def scene_parts(path: Path) -> list[Path]:
    """Return the parts of a scene store.

    Raises ConfigError if there are none, or if one has another version.
    """
    folder = path / "scenes" if (path / "scenes").is_dir() else path
    parts = sorted(folder.glob("*.parquet")) if folder.is_dir() else [path]
    if not parts:
        raise ConfigError(f"{path}: no scene store (a folder 'scenes' with Parquet files): python -m raygroup.data import writes one")
    for part in parts:
        try:
            version = (pq.read_schema(part).metadata or {}).get(b"raygroup", b"none").decode()
        except (OSError, pa.ArrowInvalid) as error:
            raise ConfigError(f"{part}: not a readable part of a scene store: {error}") from error
        if version != f"scenes {SCENE_STORE_VERSION}":
            expected = f"'scenes {SCENE_STORE_VERSION}'"
            raise ConfigError(f"{part}: holds {version!r}, but this raygroup reads {expected}: import the data set again")
    return parts


def scene_of_row(row: dict[str, Any]) -> StoredScene:
    """Return the scene of a row, as ``pyarrow`` gives it."""
    instances = tuple(
        Instance(
            None if instance["polygon"] is None else np.array(instance["polygon"], np.float64).reshape(-1, 2),
            instance["text"], instance["dont_care"], instance["script"], instance["task"], number,
        )
        for number, instance in enumerate(row["instances"], start=1)
    )  # fmt: skip
    return StoredScene(row["name"], row["source"], row["image"], row["width"], row["height"], instances)


def _leaves(schema: pa.Schema) -> list[str]:
    """Return a Parquet file's column names, nested ones with their path."""
    names = [name for name in schema.names if name != "instances"]
    if "instances" in schema.names:
        names += [f"instances.list.element.{field.name}" for field in INSTANCE_TYPE if field.name != "polygon"]
        names.append("instances.list.element.polygon.list.element")
    return names
