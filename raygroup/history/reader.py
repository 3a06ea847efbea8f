"""Reads a history: the sealed Parquet file, or what the attempts at an unfinished trial have left so far."""

import contextlib
import itertools
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raygroup.errors import HistoryError
from raygroup.files.places import Place, readable
from raygroup.history.schema import read_metadata

FOLDER = "history"
SEALED = "history.parquet"

_NAME = re.compile(r"attempt-(?P<attempt>\d+)\.arrows|part-(?P<of>\d+)-(?P<part>\d+)\.arrows")

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class History:
    """What one trial recorded: n steps, t tasks, m heads; the columns are described in ``schema.history_schema``."""

    tasks: tuple[str, ...]
    heads: int
    step: NDArray[np.int32]
    r_tm: Floats
    """(n, t, m)."""
    nll_m: Floats
    """(n, m)."""
    integrated_loss: Floats
    grouping_loss: Floats
    task_loss: Floats
    words_per_s: Floats
    clock_s: NDArray[np.float64]
    metadata: dict[str, Any]


def read_history(trial_folder: Place) -> History:
    """A trial's steps from 1 on, finished or not. Of several attempts the highest one counts from its first step on; a stream cut
    off anywhere gives the rows before the cut. Raises HistoryError, one line, where there is nothing to read or steps are missing.
    """
    sealed = trial_folder / SEALED
    if sealed.is_file():
        try:
            with pq.ParquetFile(readable(sealed), page_checksum_verification=True) as file:
                table = file.read()
        except (pa.ArrowInvalid, OSError) as error:
            raise HistoryError(f"{sealed}: not a readable Parquet file: {error}") from error
    else:
        table = read_attempts(trial_folder)
    return _history(table, sealed if sealed.is_file() else trial_folder / FOLDER)


def read_attempts(trial_folder: Place) -> pa.Table:
    """The merged rows of all attempts, with the metadata of the highest one that has rows."""
    streams = {path: rows for path in attempt_files(trial_folder) if (rows := _readable(path)) is not None}
    if not any(rows.num_rows for rows in streams.values()):
        raise HistoryError(f"{trial_folder}: no history (neither {SEALED} nor rows in {FOLDER}/*.arrows)")
    merged: pa.Table | None = None
    for path, rows in streams.items():
        if rows.num_rows == 0:
            continue
        if merged is not None:
            if rows.schema != merged.schema:
                raise HistoryError(f"{path}: has other tasks or heads than the attempts before it")
            first = rows["step"][0].as_py()
            kept = merged.slice(0, int(np.searchsorted(_values(merged["step"]), first)))
            merged = pa.concat_tables([kept.replace_schema_metadata(rows.schema.metadata), rows])
        else:
            merged = rows
    return merged


def attempt_files(trial_folder: Place) -> list[Place]:
    """The streams of a trial, lowest attempt first, the parts of one in their order."""
    numbered = [(_NAME.fullmatch(path.name), path) for path in (trial_folder / FOLDER).glob("*.arrows")]
    ordered: list[tuple[tuple[int, int], Place]] = [(_place(match), path) for match, path in numbered if match]
    return [path for _, path in sorted(ordered, key=lambda entry: entry[0])]


def last_attempt(trial_folder: Place) -> int:
    """The highest attempt that left a file; 0 where none did."""
    return max((_place(match)[0] for path in attempt_files(trial_folder) if (match := _NAME.fullmatch(path.name))), default=0)


def unchanged(trial_folder: Place, marks: Mapping[str, tuple[int, int]]) -> bool:
    """Whether the files still begin with the bytes that ``HistoryWriter.marks`` vouched for."""
    for name, (size, crc) in marks.items():
        try:
            content = (trial_folder / FOLDER / name).read_bytes()[:size]
        except FileNotFoundError:
            return False
        if len(content) < size or zlib.crc32(content) != crc:
            return False
    return True


def _place(match: re.Match[str]) -> tuple[int, int]:
    return int(match["attempt"] or match["of"]), int(match["part"] or 0)


def _readable(path: Place) -> pa.Table | None:
    """The rows before the stream's end or the place where it was cut off; None where not even the schema is whole."""
    source = pa.py_buffer(path.read_bytes())
    batches: list[pa.RecordBatch] = []
    try:
        stream = pa.ipc.open_stream(source)
    except (pa.ArrowInvalid, OSError):
        return None
    read_metadata(stream.schema, path)
    expected = None
    with contextlib.suppress(pa.ArrowInvalid, OSError):
        for batch in stream:
            steps = _numbers(batch["step"])
            expected = int(steps[0]) if expected is None else expected
            if not np.array_equal(steps, np.arange(expected, expected + len(steps))):
                break
            expected += len(steps)
            batches.append(batch)
    return pa.Table.from_batches(batches, schema=stream.schema)


def require_every_step(table: pa.Table, where: Place, steps: int | None = None) -> None:
    """Raises HistoryError naming the first gap in 1, 2, ... up to ``steps`` (None: up to whichever step is the last one)."""
    end = [] if steps is None else [steps + 1]
    for before, after in itertools.pairwise([0, *_values(table["step"]).tolist(), *end]):
        if after != before + 1:
            raise HistoryError(f"{where}: steps {before + 1} to {after - 1} are missing")


def _history(table: pa.Table, where: Place) -> History:
    metadata = read_metadata(table.schema, where)
    require_every_step(table, where)
    tasks, heads = tuple(metadata["tasks"]), int(metadata["heads"])
    columns = {name: _values(table[name]) for name in table.column_names}
    step = columns.pop("step")
    r_tm = columns.pop("r_tm").reshape(len(step), len(tasks), heads)
    nll_m = columns.pop("nll_m").reshape(len(step), heads)
    return History(tasks=tasks, heads=heads, step=step, r_tm=r_tm, nll_m=nll_m, metadata=metadata, **columns)


def _values(column: pa.ChunkedArray) -> NDArray[Any]:
    return _numbers(column.combine_chunks())


def _numbers(array: pa.Array) -> NDArray[Any]:
    """The numbers in an array without nulls, lists flattened, read-only; pyarrow's own way would import pandas."""
    values = array.flatten() if pa.types.is_fixed_size_list(array.type) else array
    kind = {pa.int32(): np.int32, pa.float32(): np.float32, pa.float64(): np.float64}[values.type]
    _, data = values.buffers()
    return np.frombuffer(data, kind)[values.offset : values.offset + len(values)] if len(values) else np.zeros(0, kind)


def same_evidence(a: History, b: History) -> bool:
    """Whether two histories agree bit for bit in steps, R_TM and losses; clocks, throughput and metadata do not count."""
    names = ("step", "r_tm", "nll_m", "integrated_loss", "grouping_loss", "task_loss")
    pairs = [(getattr(a, name), getattr(b, name)) for name in names]
    same_shape = a.tasks == b.tasks and all(x.shape == y.shape for x, y in pairs)
    return same_shape and all(x.tobytes() == y.tobytes() for x, y in pairs)
