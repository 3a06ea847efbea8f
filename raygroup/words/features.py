"""The store of word features: an uncompressed Arrow file, memory-mapped, so that all trials of a machine share its pages."""

import json
import math
import os
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.config import ConfigError

ROWS = 1024
"""Words of a record batch; all but the last are full, so that a row's place is known without an index."""
_LAYOUT = 1


def write_features(path: Path, shape: tuple[int, ...], batches: Iterable[NDArray[np.float16]], about: dict[str, Any]) -> None:
    """Features (rows, positions, features), or planes (rows, features, y, x), in batches of ``ROWS``; the file appears under its name
    when it is complete and on the disk."""
    width = math.prod(shape)
    stored = json.dumps({"layout": _LAYOUT, "shape": shape, **about}).encode()
    schema = pa.schema([("features", pa.list_(pa.float16(), width))], metadata={b"raygroup": stored})
    temporary = path.with_suffix(".part")
    with temporary.open("wb") as file:
        with pa.ipc.new_file(file, schema) as writer:
            for block in batches:
                values = pa.array(np.ascontiguousarray(block).reshape(-1), pa.float16())
                column = pa.FixedSizeListArray.from_arrays(values, width)
                writer.write_batch(pa.record_batch([column], schema=schema))
        file.flush()
        os.fsync(file.fileno())
    temporary.replace(path)


class Features:
    """Word features on disk, (n, positions, features) or (n, features, y, x) float16; rows are copied when they are asked for."""

    def __init__(self, path: Path) -> None:
        """Raises ConfigError for a file that is damaged or of another layout, FileNotFoundError where there is none."""
        schema, batches = _mapped(path)
        about = json.loads((schema.metadata or {}).get(b"raygroup", b"{}"))
        if about.get("layout") != _LAYOUT:
            raise ConfigError(
                f"{path}: features of layout {about.get('layout')}, this version reads {_LAYOUT}; delete the file, it is made anew"
            )
        self.shape: tuple[int, ...] = tuple(about["shape"])
        self._blocks = [batch.column(0).values.to_numpy(zero_copy_only=True).reshape(-1, *self.shape) for batch in batches]

    def __len__(self) -> int:
        return sum(map(len, self._blocks))

    def rows(self, rows: NDArray[np.intp]) -> NDArray[np.float16]:
        found = np.empty((len(rows), *self.shape), np.float16)
        for place, row in enumerate(rows):
            found[place] = self._blocks[row // ROWS][row % ROWS]
        return found


def _mapped(path: Path) -> tuple[pa.Schema, list[pa.RecordBatch]]:
    try:
        reader = pa.ipc.open_file(pa.memory_map(str(path)))
        return reader.schema, [reader.get_batch(number) for number in range(reader.num_record_batches)]
    except FileNotFoundError:
        raise
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path}: not a readable features file: {error}; delete the file, it is made anew") from error
