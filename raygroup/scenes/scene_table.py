"""Scenes for training, in any order: a copy of a scene store as a memory-mapped Arrow file.

A row of a Parquet store is read with its whole row group. A row of this file is read alone.
"""

import hashlib
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write
from raygroup.scenes.scene_labels import SceneLabels, collect_labels
from raygroup.scenes.scene_store import SCENE_SCHEMA, StoredScene, scene_of_row, scene_parts


class SceneTable:
    """The scenes of a file that ``write_scene_table`` wrote. It can be read by several threads."""

    def __init__(self, path: Path) -> None:
        with pa.memory_map(str(path)) as source:
            reader = pa.ipc.open_file(source)
            self._batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
        self._starts = np.cumsum([0, *map(len, self._batches)])

    def labels(self) -> SceneLabels:
        """Return the tasks and characters of all words. It reads no pictures."""
        return collect_labels(self._batches)

    def __len__(self) -> int:
        return int(self._starts[-1])

    def __getitem__(self, number: int) -> StoredScene:
        if not 0 <= number < len(self):
            raise IndexError(number)
        batch = int(np.searchsorted(self._starts, number, side="right")) - 1
        return scene_of_row(self._batches[batch].slice(number - self._starts[batch], 1).to_pylist()[0])


def write_scene_table(store: Path, path: Path) -> None:
    """Copy the scenes of a store into one Arrow file. Raises ConfigError if there is no store."""
    parts = scene_parts(store)
    with atomic_write(path) as file, pa.ipc.new_file(file, SCENE_SCHEMA) as writer:
        for part in parts:
            with pq.ParquetFile(part) as scenes:
                for batch in scenes.iter_batches(batch_size=64, columns=SCENE_SCHEMA.names):
                    writer.write_batch(pa.RecordBatch.from_arrays(batch.columns, schema=SCENE_SCHEMA))


def count_scenes(store: Path) -> int:
    """Return the number of scenes in a store. Raises ConfigError if there is no store."""
    return sum(pq.read_metadata(part).num_rows for part in scene_parts(store))


def read_labels(store: Path) -> SceneLabels:
    """Return the tasks and characters of all words in a store. Raises ConfigError if there is no store."""
    files = (pq.ParquetFile(part) for part in scene_parts(store))
    return collect_labels(batch for file in files for batch in file.iter_batches(columns=["instances"]))


def is_whole_table(path: Path, num_scenes: int) -> bool:
    """Return True if a file is a table of so many scenes. A file that is cut off is none."""
    try:
        return len(SceneTable(path)) == num_scenes
    except (OSError, pa.ArrowInvalid):
        return False


def scenes_fingerprint(store: Path) -> str:
    """Return a hash of the content of a scene store. It reads every byte. Raises ConfigError if there is no store."""
    digest = hashlib.sha256()
    for part in scene_parts(store):
        try:
            with part.open("rb") as file:
                digest.update(hashlib.file_digest(file, "sha256").digest())
        except OSError as error:
            raise ConfigError(f"{part}: {error.strerror}") from error
    return digest.hexdigest()
