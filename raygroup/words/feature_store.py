"""Store word features in shards that trials map into memory.

A store is a folder of shards ``00000.arrow, 00001.arrow, ...`` and one ``features.json``. All shards
have the same number of words, except that the last may be shorter. ``features.json`` lists them with
their checksums. It is written last, so if it is there, every shard is too. A single Arrow file can be
read like a store.
"""

import contextlib
import functools
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.atomic import write_json
from raygroup.files.local_copies import copy_path, fetch, make_once
from raygroup.files.places import Place
from raygroup.files.remote import Remote
from raygroup.storage.layout import FEATURES_FILE, shard_file
from raygroup.storage.records import intact_record, read_record
from raygroup.words.feature_shards import (
    BATCH_ROWS,
    DELETE_BOTH,
    MAKE_AGAIN,
    FeatureShard,
    map_features,
    require_layout,
    verify_shard,
)

STORE_LAYOUT = 2
"""Layout of the folder. Layout 1 was a single file."""
_NUM_DOWNLOADS = 8


def write_feature_store(path: Place, shape: tuple[int, ...], shards: Sequence[FeatureShard], about: dict[str, Any]) -> None:
    """Write ``features.json``. All shards must lie beside it already."""
    rows = sum(shard.rows for shard in shards)
    write_json(path, {"store": STORE_LAYOUT, "shape": shape, "rows": rows, **about, "shards": [asdict(shard) for shard in shards]})


def has_features(path: Place) -> bool:
    """Return True if there is a ``features.json`` that can be read. A damaged one is made again, from the records of its shards."""
    return bool(intact_record(path))


def stored_shape(path: Place) -> tuple[int, ...]:
    """Return the shape of a word's features, read from ``features.json`` alone."""
    return tuple(_read_index(path)["shape"])


class FeatureStore:
    """Word features on disk, float16.

    The array is (n, positions, features) or (n, features, y, x). Rows are copied when they are read.
    """

    def __init__(self, path: Path) -> None:
        """Map every shard into memory, and compare it with its checksum if this process has not done so before.

        ``path`` is a ``features.json`` or a single file of features. Raises FileNotFoundError if it
        does not exist, DamagedFileError if a shard is damaged, and ConfigError with the file if one is missing or of another layout.
        """
        if path.suffix == ".json":
            index = _read_index(path)
            self.shape: tuple[int, ...] = tuple(index["shape"])
            batches = [batch for number, shard in enumerate(_shards(index)) for batch in _map_shard(path, number, shard, self.shape)]
        else:
            self.shape, batches = map_features(path, f"delete it, {MAKE_AGAIN}")
        self._blocks = [batch.column(0).values.to_numpy(zero_copy_only=True).reshape(-1, *self.shape) for batch in batches]

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def rows(self, rows: NDArray[np.intp]) -> NDArray[np.float16]:
        """Return the features of these rows in their order, (n, *shape)."""
        features = np.empty((len(rows), *self.shape), np.float16)
        for place, row in enumerate(rows):
            features[place] = self._blocks[row // BATCH_ROWS][row % BATCH_ROWS]
        return features


def local_copy_of_features(path: Place) -> Path:
    """Return a ``features.json`` on this machine, with all shards beside it.

    A local store is returned as it is. Shards of a remote store are copied and compared with their
    checksums. Raises FileNotFoundError if there is no store, and ConfigError with the shard if its
    bytes differ from those that were written.
    """
    if isinstance(path, Path):
        return path

    def make(copy: Path) -> None:
        with ThreadPoolExecutor(_NUM_DOWNLOADS) as threads:
            list(threads.map(lambda entry: _fetch_shard(path, *entry), enumerate(_shards(_read_index(path)))))
        fetch(path, copy)

    return make_once(copy_path(path), make)


@functools.cache
def _verify_once(path: Path, shard: FeatureShard) -> None:
    """Compare a shard with its checksum, once in this process. A damaged one is removed, because it can be made again.

    Reading takes about a second for a gigabyte. One wrong bit would change what is trained on it.
    """
    try:
        verify_shard(path, shard)
    except DamagedFileError as error:
        with contextlib.suppress(OSError):
            path.with_name(FEATURES_FILE).unlink(missing_ok=True)
            path.unlink(missing_ok=True)
        raise DamagedFileError(f"{error}; it was removed, and the same command makes it again") from error


def _fetch_shard(index: Remote, number: int, shard: FeatureShard) -> None:
    """Copy a shard to this machine if needed, and verify the copy."""
    source = index.with_name(shard_file(number))
    copy = copy_path(source)
    if not copy.is_file() or copy.stat().st_size != shard.bytes:
        fetch(source, copy)
    try:
        verify_shard(copy, shard)
    except DamagedFileError:
        copy.unlink()
        raise ConfigError(f"{source}: damaged, in storage or while it was copied: try again; if it fails again, {DELETE_BOTH}") from None


def _read_index(path: Place) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no features at {path}")
    index = read_record(path)
    require_layout(path, index.get("store"), STORE_LAYOUT)
    return index


def _shards(index: dict[str, Any]) -> list[FeatureShard]:
    return [FeatureShard(**shard) for shard in index["shards"]]


def _map_shard(index: Path, number: int, shard: FeatureShard, shape: tuple[int, ...]) -> list[pa.RecordBatch]:
    """Map a shard, and compare its words with ``features.json``."""
    file = index.with_name(shard_file(number))
    try:
        _verify_once(file, shard)
        word_shape, batches = map_features(file, f"delete it and {index.name}, {MAKE_AGAIN}")
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file, but {index.name} lists it; delete {index.name}, {MAKE_AGAIN}") from None
    if word_shape != shape or sum(batch.num_rows for batch in batches) != shard.rows:
        raise ConfigError(f"{file}: not the {shard.rows} words of shape {shape} that {index.name} lists; {DELETE_BOTH}")
    return batches
