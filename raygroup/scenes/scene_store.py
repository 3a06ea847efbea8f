"""The two stores an import makes, in parts: scenes as they are, and their words cut out. Parquet, so that any tool reads them.

``OUT/words`` is a data set for ``python -m raygroup.sweep --words``; ``OUT/scenes`` is what a spotter trains on and is scored against.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import ConfigError
from raygroup.files.atomic import whole
from raygroup.scenes.scene import Instance

LAYOUT = 1
GROUP_SCENES = 64
"""Scenes of a row group, which is what is in memory at a time: about 20 MB."""

INSTANCE = pa.struct(
    [
        pa.field("polygon", pa.list_(pa.float32())),
        pa.field("text", pa.string(), nullable=False),
        pa.field("script", pa.string()),
        pa.field("task", pa.string()),
        pa.field("dont_care", pa.bool_(), nullable=False),
        pa.field("contradicts", pa.bool_(), nullable=False),
    ]
)
"""``polygon``: x, y, x, y, ... in stored pixels, null for the whole image; ``contradicts``: no character is of the script labelled."""

SCENES = pa.schema(
    [
        pa.field("name", pa.string(), nullable=False),
        pa.field("source", pa.string(), nullable=False),
        pa.field("image", pa.binary(), nullable=False),
        pa.field("width", pa.int32(), nullable=False),
        pa.field("height", pa.int32(), nullable=False),
        pa.field("labels", pa.string(), nullable=False),
        pa.field("instances", pa.list_(INSTANCE), nullable=False),
    ],
    metadata={b"raygroup": f"scenes {LAYOUT}".encode()},
)
"""``image``: the bytes as they came; ``labels``: the file they were labelled in."""

WORDS = pa.schema(
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
    metadata={b"raygroup": f"scene words {LAYOUT}".encode()},
)
"""``image``: the encoded crop; ``text``: raw, ``label``: normalised; ``task``: null where the data set does not tell, so that characters
do; ``instance``: its number in the scene, from 0; ``unit``: word or phrase."""


@dataclass(frozen=True, slots=True)
class StoredScene:
    """A scene read back from a store."""

    name: str
    source: str
    image: bytes
    width: int
    height: int
    instances: tuple[Instance, ...]


def write_part(path: Path, rows: Sequence[dict[str, Any]], schema: pa.Schema) -> int:
    """Writes the rows of a part; it is there whole or not at all. The bytes it takes."""
    few = [name for name in ("task", "script", "source", "scene", "labels", "unit") if name in schema.names]
    with (
        whole(path) as file,
        pq.ParquetWriter(
            file, schema, compression={name: "NONE" if name == "image" else "ZSTD" for name in _leaves(schema)}, use_dictionary=few,
            write_page_checksum=True,
        ) as writer,
    ):  # fmt: skip
        for start in range(0, len(rows), GROUP_SCENES):
            writer.write_table(pa.Table.from_pylist([*rows[start : start + GROUP_SCENES]], schema=schema))
    return path.stat().st_size


def read_scenes(path: Path) -> Iterator[StoredScene]:
    """The scenes of a store: a folder that an import made, its ``scenes`` folder, or one part; in the order of the parts' names.

    Raises ConfigError where it is none, or of another layout.
    """
    for part in scene_parts(path):
        with pq.ParquetFile(part) as file:
            for group in range(file.num_row_groups):
                for row in file.read_row_group(group).to_pylist():
                    yield _scene(row)


def scene_parts(path: Path) -> list[Path]:
    """The parts of a scene store; raises ConfigError where there are none, or of another layout."""
    folder = path / "scenes" if (path / "scenes").is_dir() else path
    parts = sorted(folder.glob("*.parquet")) if folder.is_dir() else [path]
    if not parts:
        raise ConfigError(f"{path}: no scene store: no folder 'scenes' with Parquet files; python -m raygroup.data import makes one")
    for part in parts:
        try:
            said = (pq.read_schema(part).metadata or {}).get(b"raygroup", b"none").decode()
        except (OSError, pa.ArrowInvalid) as error:
            raise ConfigError(f"{part}: not a readable part of a scene store: {error}") from error
        if said != f"scenes {LAYOUT}":
            raise ConfigError(f"{part}: holds {said!r}, this raygroup reads 'scenes {LAYOUT}': import the data set anew")
    return parts


def _scene(row: dict[str, Any]) -> StoredScene:
    instances = tuple(
        Instance(
            None if found["polygon"] is None else np.array(found["polygon"], np.float64).reshape(-1, 2),
            found["text"], found["dont_care"], found["script"], found["task"], number,
        )
        for number, found in enumerate(row["instances"], start=1)
    )  # fmt: skip
    return StoredScene(row["name"], row["source"], row["image"], row["width"], row["height"], instances)


def _leaves(schema: pa.Schema) -> list[str]:
    """The columns of a Parquet file, as it names them: those of ``instances`` have their path."""
    names = [name for name in schema.names if name != "instances"]
    if "instances" in schema.names:
        names += [f"instances.list.element.{field.name}" for field in INSTANCE if field.name != "polygon"]
        names.append("instances.list.element.polygon.list.element")
    return names
