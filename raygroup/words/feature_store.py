"""The store of word features: uncompressed Arrow files, memory-mapped, so that all trials of a machine share their pages.

A store is a folder of shards of equally many words, ``00000.arrow, 00001.arrow, ...``, the last one shorter, and ``features.json``, which
is written last: where it lies, every shard is there, with the checksum it gives. A file alone can be read like a store of one shard.
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
from raygroup.files.atomic import read_json, whole, write_json
from raygroup.files.local_copies import copy_of, fetch, made_once
from raygroup.files.places import Place, Remote, opened

ROWS = 1024
"""Words of a record batch; all but the last are full, so that a row's place is known without an index."""
STORE = "features.json"
STORE_LAYOUT = 2
"""Of the folder; 1 was one file."""
_FILE_LAYOUT = 1
_FETCHED_AT_ONCE = 8
_BLOCK = 8 << 20
_ANEW = f"delete it and {STORE}: it is made anew"


@dataclass(frozen=True)
class Shard:
    """A file of features, as it was written."""

    rows: int
    bytes: int
    crc32: int


def shard_name(number: int) -> str:
    return f"{number:05}.arrow"


def write_features(path: Place, shape: tuple[int, ...], batches: Iterable[NDArray[np.float16]], about: dict[str, Any]) -> Shard:
    """A file of features (rows, positions, features), or planes (rows, features, y, x), in batches of ``ROWS``; it appears under its name
    when it is complete and safe. Never more than a batch is held, but by an object store, which takes a file in one piece."""
    width = math.prod(shape)
    stored = json.dumps({"layout": _FILE_LAYOUT, "shape": shape, **about}).encode()
    schema = pa.schema([("features", pa.list_(pa.float16(), width))], metadata={b"raygroup": stored})
    rows = 0
    with whole(path) as file:
        summed = _Summed(file)
        with pa.ipc.new_file(summed, schema) as writer:
            for block in batches:
                values = pa.array(np.ascontiguousarray(block).reshape(-1), pa.float16())
                writer.write_batch(pa.record_batch([pa.FixedSizeListArray.from_arrays(values, width)], schema=schema))
                rows += len(block)
    return Shard(rows, summed.bytes, summed.crc32)


def write_store(path: Place, shape: tuple[int, ...], shards: Sequence[Shard], about: dict[str, Any]) -> None:
    """``features.json``, once all shards lie beside it."""
    rows = sum(shard.rows for shard in shards)
    write_json(path, {"store": STORE_LAYOUT, "shape": shape, "rows": rows, **about, "shards": [asdict(shard) for shard in shards]})


def stored_shape(path: Place) -> tuple[int, ...]:
    """The shape of a word's features in a store, from its ``features.json`` alone."""
    return tuple(_stored(path)["shape"])


class Features:
    """Word features on disk, (n, positions, features) or (n, features, y, x) float16; rows are copied when they are asked for."""

    def __init__(self, path: Path) -> None:
        """``path``: a ``features.json``, or a file of features. Maps every shard, reads none.

        Raises ConfigError naming the file that is damaged, missing or of another layout, FileNotFoundError where there is nothing.
        """
        if path.suffix == ".json":
            stored = _stored(path)
            self.shape: tuple[int, ...] = tuple(stored["shape"])
            batches = [batch for number, shard in enumerate(_shards(stored)) for batch in _shard(path, number, shard, self.shape)]
        else:
            self.shape, batches = _mapped(path, ", it is made anew")
        self._blocks = [batch.column(0).values.to_numpy(zero_copy_only=True).reshape(-1, *self.shape) for batch in batches]

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def rows(self, rows: NDArray[np.intp]) -> NDArray[np.float16]:
        found = np.empty((len(rows), *self.shape), np.float16)
        for place, row in enumerate(rows):
            found[place] = self._blocks[row // ROWS][row % ROWS]
        return found


def localised_features(path: Place) -> Path:
    """The ``features.json`` itself, or its copy on this machine with copies of all shards beside it, each compared with its checksum.

    Raises FileNotFoundError where there is none, ConfigError naming a shard whose bytes are not those that were written.
    """
    if isinstance(path, Path):
        return path

    def make(copy: Path) -> None:
        with ThreadPoolExecutor(_FETCHED_AT_ONCE) as threads:
            list(threads.map(lambda each: _fetched(path, *each), enumerate(_shards(_stored(path)))))
        fetch(path, copy)

    return made_once(copy_of(path), make)


def require_sound(path: Place, shard: Shard) -> None:
    """Reads a shard and raises ConfigError where its bytes are not those that were written."""
    found = 0
    with opened(path) as file:
        while block := file.read(_BLOCK):
            found = zlib.crc32(block, found)
    if found != shard.crc32:
        raise ConfigError(f"{path}: damaged: its checksum is {found:08x}, not {shard.crc32:08x} as written; {_ANEW}")


class _Summed:
    """Writes to a file, and keeps count and checksum of what it wrote."""

    def __init__(self, file: IO[bytes]) -> None:
        self.file, self.bytes, self.crc32, self.closed = file, 0, 0, False

    def write(self, data: Any) -> int:
        self.crc32 = zlib.crc32(data, self.crc32)
        self.bytes += memoryview(data).nbytes
        return self.file.write(data)

    def tell(self) -> int:
        return self.bytes

    def flush(self) -> None:
        self.file.flush()


def _fetched(path: Remote, number: int, shard: Shard) -> None:
    source = path.with_name(shard_name(number))
    target = copy_of(source)
    if not target.is_file() or target.stat().st_size != shard.bytes:
        fetch(source, target)
    try:
        require_sound(target, shard)
    except ConfigError:
        target.unlink()
        raise ConfigError(f"{source}: damaged, there or on the way here: try again, or else {_ANEW}") from None


def _stored(path: Place) -> dict[str, Any]:
    if not path.is_file():
        raise FileNotFoundError(f"no features at {path}")
    stored = read_json(path)
    if stored.get("store") != STORE_LAYOUT:
        raise ConfigError(
            f"{path}: features of layout {stored.get('store')}, this version reads {STORE_LAYOUT}; delete the file, it is made anew"
        )
    return stored


def _shards(stored: dict[str, Any]) -> list[Shard]:
    return [Shard(**shard) for shard in stored["shards"]]


def _shard(path: Path, number: int, shard: Shard, shape: tuple[int, ...]) -> list[pa.RecordBatch]:
    file = path.with_name(shard_name(number))
    try:
        found, batches = _mapped(file, f" and {path.name}: it is made anew")
    except FileNotFoundError:
        raise ConfigError(f"{file}: no such file, though {path.name} lists it; delete {path.name}, the shard is made anew") from None
    if found != shape or sum(batch.num_rows for batch in batches) != shard.rows:
        raise ConfigError(f"{file}: not the {shard.rows} words of shape {shape} that {path.name} lists; {_ANEW}")
    return batches


def _mapped(path: Path, then: str) -> tuple[tuple[int, ...], list[pa.RecordBatch]]:
    """The shape of a word, and the batches."""
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path}: not a readable features file: {error}; delete the file{then}") from error
    about = json.loads((reader.schema.metadata or {}).get(b"raygroup", b"{}"))
    if about.get("layout") != _FILE_LAYOUT:
        raise ConfigError(
            f"{path}: features of layout {about.get('layout')}, this version reads {_FILE_LAYOUT}; delete the file, it is made anew"
        )
    return tuple(about["shape"]), batches
