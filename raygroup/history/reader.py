"""Read the history of a trial, finished or not.

A finished trial has one sealed Parquet file, an unfinished one a stream or parts of each attempt.
"""

import contextlib
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raygroup.errors import ConfigError, HistoryError
from raygroup.files.places import Place, arrow_source, open_stream
from raygroup.files.retry import is_storage_failure
from raygroup.history.schema import read_metadata
from raygroup.storage.layout import ATTEMPTS_GLOB, HISTORY_FILE, HISTORY_FOLDER, STEPS, attempt_and_part

Floats = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class History:
    """The record of one trial: n steps, t tasks, m heads. ``schema.COLUMNS`` describes the
    columns."""

    tasks: tuple[str, ...]
    """Names of the tasks, in the order of R_TM's rows."""
    heads: int
    """Number of heads."""
    step: NDArray[np.int32]
    """1 to n."""
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
    """Read all steps of a trial that groups words, finished or not.

    If there are several attempts, the highest one counts from its first step on. A stream that is
    cut off gives the rows before the cut. Raises HistoryError, in one line, if there is nothing to
    read or if steps are missing, and ConfigError for a trial of stage 1 or on scenes.
    """
    table, metadata = read_history_table(trial_folder)
    if "losses" in metadata:
        raise ConfigError(f"{trial_folder}: the history of a trial that groups no words: read_spotter_history reads it")
    return _history(table, metadata)


def read_history_table(trial_folder: Place) -> tuple[pa.Table, dict[str, Any]]:
    """Return the rows and the metadata of any trial. Raises HistoryError like ``read_history``."""
    sealed = trial_folder / HISTORY_FILE
    table = read_sealed(sealed) if sealed.is_file() else read_attempts(trial_folder)
    path = sealed if sealed.is_file() else trial_folder / HISTORY_FOLDER
    metadata = read_metadata(table.schema, path)
    require_every_step(table, path)
    return table, metadata


def read_sealed(path: Place) -> pa.Table:
    """Return the rows of a sealed record. Raises HistoryError if it cannot be read, and OSError if storage fails."""
    try:
        with pq.ParquetFile(arrow_source(path), page_checksum_verification=True) as file:
            return file.read()
    except (pa.ArrowException, OSError) as error:
        if is_storage_failure(error):
            raise
        raise HistoryError(f"{path}: not a readable Parquet file: {error}") from error


def read_attempts(trial_folder: Place, record: str = STEPS, every: int = 1) -> pa.Table:
    """Merge the rows of all attempts. The metadata is that of the highest attempt that has rows.

    ``record`` is a prefix of ``storage.layout``, and ``every`` the number of steps between two of its rows.
    """
    streams = {path: rows for path in attempt_files(trial_folder, record) if (rows := _read_stream(path, every)) is not None}
    if not any(rows.num_rows for rows in streams.values()):
        raise HistoryError(f"{trial_folder}: no history (neither {HISTORY_FILE} nor rows in {HISTORY_FOLDER}/{ATTEMPTS_GLOB})")
    merged: pa.Table | None = None
    for path, rows in streams.items():
        if rows.num_rows == 0:
            continue
        if merged is None:
            merged = rows
            continue
        if rows.schema != merged.schema:
            raise HistoryError(f"{path}: has other tasks or heads than the attempts before it")
        # A later attempt repeats steps after its checkpoint: they replace those of the attempts before.
        first_step = rows["step"][0].as_py()
        earlier = merged.slice(0, int(np.searchsorted(column_values(merged["step"]), first_step)))
        merged = pa.concat_tables([earlier.replace_schema_metadata(rows.schema.metadata), rows])
    return merged


def attempt_files(trial_folder: Place, record: str = STEPS) -> list[Place]:
    """Return the history files of all attempts, by attempt and part. ``record`` is a prefix of ``storage.layout``."""
    numbered: list[tuple[tuple[int, int] | None, Place]] = [
        (attempt_and_part(path.name, record), path) for path in (trial_folder / HISTORY_FOLDER).glob(ATTEMPTS_GLOB)
    ]
    ordered = sorted(((number, path) for number, path in numbered if number), key=lambda pair: pair[0])
    return [path for _, path in ordered]


def is_sealed(trial_folder: Place) -> bool:
    """Return True if ``history.parquet`` is there and can be read, so that the attempts are needed no more."""
    if not (trial_folder / HISTORY_FILE).is_file():
        return False
    try:
        read_history_table(trial_folder)
    except HistoryError:
        return False
    return True


def last_attempt(trial_folder: Place) -> int:
    """Return the highest attempt that left a history file, or 0."""
    numbers = (attempt_and_part(path.name) for path in attempt_files(trial_folder))
    return max((number[0] for number in numbers if number), default=0)


def read_attempt_metadata(trial_folder: Place) -> dict[int, dict[str, Any]]:
    """Return attempt -> the metadata of its first history file. Attempts whose file is cut off there are left out."""
    metadata: dict[int, dict[str, Any]] = {}
    for path in attempt_files(trial_folder):
        number = attempt_and_part(path.name)
        if number and number[0] not in metadata:
            with contextlib.suppress(pa.ArrowException, EOFError, HistoryError), open_stream(path) as file:
                metadata[number[0]] = read_metadata(pa.ipc.open_stream(file).schema, path)
    return metadata


def is_unchanged(trial_folder: Place, checksums: Mapping[str, tuple[int, int]]) -> bool:
    """Return True if the history files still have these checksums.

    Only the bytes that ``sinks.Checksums`` cover count. A file may have grown since.
    """
    for name, (size, crc) in checksums.items():
        try:
            content = (trial_folder / HISTORY_FOLDER / name).read_bytes()[:size]
        except FileNotFoundError:
            return False
        if len(content) < size or zlib.crc32(content) != crc:
            return False
    return True


def require_every_step(table: pa.Table, path: Place, steps: int | None = None, every: int = 1) -> None:
    """Raise HistoryError that names the first gap in the steps.

    The rows are those of the multiples of ``every`` up to ``steps``, or up to the last row if it is None.
    """
    recorded = column_values(table["step"]).astype(np.int64)
    ends = np.array([] if steps is None else [steps - steps % every + every], np.int64)
    listed = np.concatenate([np.zeros(1, np.int64), recorded, ends])
    gaps = np.flatnonzero(np.diff(listed) != every)
    if len(gaps):
        before, after = listed[gaps[0] : gaps[0] + 2].tolist()
        raise HistoryError(f"{path}: steps {before + every} to {after - every} are missing")


def same_evidence(a: History, b: History) -> bool:
    """Return True if steps, R_TM and losses agree bit for bit. Clocks, throughput
    and metadata do not count."""
    names = ("step", "r_tm", "nll_m", "integrated_loss", "grouping_loss", "task_loss")
    pairs = [(getattr(a, name), getattr(b, name)) for name in names]
    same_shape = a.tasks == b.tasks and all(x.shape == y.shape for x, y in pairs)
    return same_shape and all(x.tobytes() == y.tobytes() for x, y in pairs)


def column_values(column: pa.ChunkedArray) -> NDArray[Any]:
    """Return the numbers of a column, read-only, with lists flattened."""
    return _array_values(column.combine_chunks())


def _read_stream(path: Place, every: int) -> pa.Table | None:
    """Return the rows up to the end of a stream, or up to a cut. Two rows are ``every`` steps apart.

    Return None if even the schema is incomplete.
    """
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
            # After a power cut a batch may consist of zeros: it counts only if it continues the steps.
            steps = _array_values(batch["step"])
            expected = int(steps[0]) if expected is None else expected
            if not np.array_equal(steps, expected + every * np.arange(len(steps))):
                break
            expected += every * len(steps)
            batches.append(batch)
    return pa.Table.from_batches(batches, schema=stream.schema)


def _history(table: pa.Table, metadata: dict[str, Any]) -> History:
    tasks, heads = tuple(metadata["tasks"]), int(metadata["heads"])
    columns = {name: column_values(table[name]) for name in table.column_names}
    step = columns.pop("step")
    r_tm = columns.pop("r_tm").reshape(len(step), len(tasks), heads)
    nll_m = columns.pop("nll_m").reshape(len(step), heads)
    return History(tasks=tasks, heads=heads, step=step, r_tm=r_tm, nll_m=nll_m, metadata=metadata, **columns)


def _array_values(array: pa.Array) -> NDArray[Any]:
    """Return the numbers of an array without nulls, read-only, with lists flattened. ``to_numpy``
    would import pandas."""
    values = array.flatten() if pa.types.is_fixed_size_list(array.type) else array
    kind = {pa.int32(): np.int32, pa.float32(): np.float32, pa.float64(): np.float64}[values.type]
    _, data = values.buffers()
    return np.frombuffer(data, kind)[values.offset : values.offset + len(values)] if len(values) else np.zeros(0, kind)
