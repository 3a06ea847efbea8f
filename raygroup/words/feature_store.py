"""Store word features in Arrow files that trials map into memory.

The files are uncompressed, so all trials of a machine share their pages. A store is a folder of
shards ``00000.arrow, 00001.arrow, ...`` and one ``features.json``. All shards have the same number
of words, except that the last may be shorter. ``features.json`` lists them with their checksums. It
is written last, so if it is there, every shard is too. A single Arrow file can be read like a
store.
"""

import json
import math
import zlib
from collections.abc import Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.files.atomic import atomic_write, read_json, write_json
from raygroup.files.local_copies import copy_path, fetch, make_once
from raygroup.files.places import Place, open_stream
from raygroup.files.remote import Remote
from raygroup.storage.layout import FEATURES_FILE, shard_file

BATCH_ROWS = 1024
"""Words in a record batch. All but the last batch are full, so a row is found without an index."""
STORE_LAYOUT = 2
"""Layout of the folder. Layout 1 was a single file."""
_FILE_LAYOUT = 1
_NUM_DOWNLOADS = 8
_READ_BYTES = 8 << 20
_MAKE_AGAIN = "and the next run makes it again"
_DELETE_BOTH = f"delete it and {FEATURES_FILE}, {_MAKE_AGAIN}"


@dataclass(frozen=True)
class FeatureShard:
    """Size and checksum of one file of features."""

    rows: int
    bytes: int
    crc32: int


def write_features(path: Place, shape: tuple[int, ...], batches: Iterable[NDArray[np.float16]], about: dict[str, Any]) -> FeatureShard:
    """Write one file of features, each word of ``shape``.

    The shape is (positions, features), or (features, y, x) for planes. Every batch but the last must
    have ``BATCH_ROWS`` words. The file appears under its name when it is complete and safely stored.
    No more than a batch is in memory, except that an object store takes the file in one piece.
    """
    width = math.prod(shape)
    metadata = json.dumps({"layout": _FILE_LAYOUT, "shape": shape, **about}).encode()
    schema = pa.schema([("features", pa.list_(pa.float16(), width))], metadata={b"raygroup": metadata})
    rows = 0
    with atomic_write(path) as file:
        checksum = _ChecksumWriter(file)
        with pa.ipc.new_file(checksum, schema) as writer:
            for block in batches:
                values = pa.array(np.ascontiguousarray(block).reshape(-1), pa.float16())
                writer.write_batch(pa.record_batch([pa.FixedSizeListArray.from_arrays(values, width)], schema=schema))
                rows += len(block)
    return FeatureShard(rows, checksum.bytes, checksum.crc32)


def write_feature_store(path: Place, shape: tuple[int, ...], shards: Sequence[FeatureShard], about: dict[str, Any]) -> None:
    """Write ``features.json``. All shards must lie beside it already."""
    rows = sum(shard.rows for shard in shards)
    write_json(path, {"store": STORE_LAYOUT, "shape": shape, "rows": rows, **about, "shards": [asdict(shard) for shard in shards]})


def stored_shape(path: Place) -> tuple[int, ...]:
    """Return the shape of a word's features, read from ``features.json`` alone."""
    return tuple(_read_index(path)["shape"])


class FeatureStore:
    """Word features on disk, float16.

    The array is (n, positions, features) or (n, features, y, x). Rows are copied when they are read.
    """

    def __init__(self, path: Path) -> None:
        """Map every shard into memory without reading it.

        ``path`` is a ``features.json`` or a single file of features. Raises FileNotFoundError if it
        does not exist, and ConfigError with the file if one is damaged, missing or of another
        layout.
        """
        if path.suffix == ".json":
            index = _read_index(path)
            self.shape: tuple[int, ...] = tuple(index["shape"])
            batches = [batch for number, shard in enumerate(_shards(index)) for batch in _map_shard(path, number, shard, self.shape)]
        else:
            self.shape, batches = _map_file(path, f"delete it, {_MAKE_AGAIN}")
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


def verify_shard(path: Place, shard: FeatureShard) -> None:
    """Read a shard and compare it with its checksum.

    Raises ConfigError if its bytes differ from those that were written.
    """
    crc32 = 0
    with open_stream(path) as file:
        while block := file.read(_READ_BYTES):
            crc32 = zlib.crc32(block, crc32)
    if crc32 != shard.crc32:
        raise ConfigError(f"{path}: damaged: its checksum is {crc32:08x}, not {shard.crc32:08x} as written; {_DELETE_BOTH}")


class _ChecksumWriter:
    """Write to a file, and count and checksum its bytes."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file = file
        self.bytes = 0
        self.crc32 = 0
        self.closed = False

    def write(self, data: Any) -> int:
        self.crc32 = zlib.crc32(data, self.crc32)
        self.bytes += memoryview(data).nbytes
        return self.file.write(data)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self.file.flush()


def _fetch_shard(index: Remote, number: int, shard: FeatureShard) -> None:
    """Copy a shard to this machine if needed, and verify the copy."""
    source = index.with_name(shard_file(number))
    copy = copy_path(source)
    if not copy.is_file() or copy.stat().st_size != shard.bytes:
        fetch(source, copy)
    try:
        verify_shard(copy, shard)
    except ConfigError:
        copy.unlink()
        raise ConfigError(f"{source}: damaged, in storage or while it was copied: try again; if it fails again, {_DELETE_BOTH}") from None


def _read_index(path: Place) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no features at {path}")
    index = read_json(path)
    if index.get("store") != STORE_LAYOUT:
        raise ConfigError(_other_layout(path, index.get("store"), STORE_LAYOUT))
    return index


def _shards(index: dict[str, Any]) -> list[FeatureShard]:
    return [FeatureShard(**shard) for shard in index["shards"]]


def _map_shard(index: Path, number: int, shard: FeatureShard, shape: tuple[int, ...]) -> list[pa.RecordBatch]:
    file = index.with_name(shard_file(number))
    try:
        stored, batches = _map_file(file, f"delete it and {index.name}, {_MAKE_AGAIN}")
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file, but {index.name} lists it; delete {index.name}, {_MAKE_AGAIN}") from None
    if stored != shape or sum(batch.num_rows for batch in batches) != shard.rows:
        raise ConfigError(f"{file}: not the {shard.rows} words of shape {shape} that {index.name} lists; {_DELETE_BOTH}")
    return batches


def _map_file(path: Path, remedy: str) -> tuple[tuple[int, ...], list[pa.RecordBatch]]:
    """Return the shape of a word and the batches of a file."""
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path}: not a readable features file: {error}; {remedy}") from error
    about = json.loads((reader.schema.metadata or {}).get(b"raygroup", b"{}"))
    if about.get("layout") != _FILE_LAYOUT:
        raise ConfigError(_other_layout(path, about.get("layout"), _FILE_LAYOUT))
    return tuple(about["shape"]), batches


def _other_layout(path: Place, layout: object, expected: int) -> str:
    return f"{path}: features of layout {layout}, but this version reads {expected}; delete it, {_MAKE_AGAIN}"
