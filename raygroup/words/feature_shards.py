"""Write, map and verify single Arrow files of word features.

The files are uncompressed, so all trials of a machine share the pages of a mapped file.
"""

import json
import math
import zlib
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import IO, Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.atomic import atomic_write
from raygroup.files.places import Place, open_stream
from raygroup.storage.layout import FEATURES_FILE

BATCH_ROWS = 1024
"""Words in a record batch. All but the last batch are full, so a row is found without an index."""
MAKE_AGAIN = "and the next run makes it again"
DELETE_BOTH = f"delete it and {FEATURES_FILE}, {MAKE_AGAIN}"
_LAYOUT = 1
_READ_BYTES = 8 << 20


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
    metadata = json.dumps({"layout": _LAYOUT, "shape": shape, **about}).encode()
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


def map_features(path: Path, remedy: str) -> tuple[tuple[int, ...], list[pa.RecordBatch]]:
    """Map a file, and return a word's shape and the batches.

    Raises FileNotFoundError if there is no file, and ConfigError if it is damaged or has another
    layout. ``remedy`` ends the message about damage.
    """
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        batches = [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path}: not a readable features file: {error}; {remedy}") from error
    about = json.loads((reader.schema.metadata or {}).get(b"raygroup", b"{}"))
    require_layout(path, about.get("layout"), _LAYOUT)
    return tuple(about["shape"]), batches


def verify_shard(path: Place, shard: FeatureShard) -> None:
    """Read a shard and compare it with its checksum.

    Raises DamagedFileError if its bytes differ from those that were written.
    """
    crc32 = 0
    with open_stream(path) as file:
        while block := file.read(_READ_BYTES):
            crc32 = zlib.crc32(block, crc32)
    if crc32 != shard.crc32:
        raise DamagedFileError(f"{path}: damaged: its checksum is {crc32:08x}, not {shard.crc32:08x} as written")


def require_layout(path: Place, layout: object, expected: int) -> None:
    """Raise ConfigError if a file has another layout than this version reads."""
    if layout != expected:
        raise ConfigError(f"{path}: features of layout {layout}, but this version reads {expected}; delete it, {MAKE_AGAIN}")


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
