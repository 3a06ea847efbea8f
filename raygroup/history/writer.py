"""Writes a history: rows gather in memory, go to an Arrow IPC stream one batch at a time, and end as one Parquet file."""

import contextlib
import os
from collections.abc import Sequence
from pathlib import Path
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from raygroup.history.reader import FOLDER, SEALED, attempt_files, read_attempts, require_every_step
from raygroup.history.schema import SCALARS, history_schema

_END_OF_STREAM = b"\xff\xff\xff\xff\x00\x00\x00\x00"


class HistoryWriter:
    """The history of one attempt at a trial, in ``<folder>/history/attempt-<N>.arrows``; one writer a file.

    Rows go to the file every ``flush_every`` steps, which a killed process survives; a power cut they survive once ``flush`` has
    returned. Flush before a checkpoint is written, or a trial that resumes from it lacks steps.
    """

    def __init__(
        self, folder: Path, attempt: int, tasks: Sequence[str], heads: int, metadata: dict[str, Any], *, flush_every: int = 50
    ) -> None:
        """Raises OSError naming the file where it cannot be made, also where this attempt has one already."""
        self._schema = history_schema(tasks, heads, metadata)
        self._step = np.zeros(flush_every, np.int32)
        self._r_tm = np.zeros((flush_every, len(tasks), heads), np.float32)
        self._nll_m = np.zeros((flush_every, heads), np.float32)
        self._scalars = np.zeros((len(SCALARS), flush_every), np.float32)
        self._clock_s = np.zeros(flush_every, np.float64)
        self._rows = 0
        self._last_step = 0
        self.path = folder / FOLDER / f"attempt-{attempt}.arrows"
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o644)
        self._failed = False
        self._size = 0
        try:
            self._write(self._schema.serialize(), sync=True)
            _sync_folder(self.path.parent)
        except OSError:
            os.close(self._file)
            raise

    def append(
        self,
        step: int,
        r_tm: ArrayLike,
        nll_m: ArrayLike,
        integrated_loss: float,
        grouping_loss: float,
        task_loss: float,
        words_per_s: float,
        clock_s: float,
    ) -> None:
        """One step's row: R_TM (t, m) after the step, the other columns as in ``history_schema``; raises OSError where a flush does."""
        if self._rows == len(self._step):
            self._write_rows()
        row = self._rows
        self._step[row] = step
        self._r_tm[row] = r_tm
        self._nll_m[row] = nll_m
        self._scalars[:, row] = (integrated_loss, grouping_loss, task_loss, words_per_s)
        self._clock_s[row] = clock_s
        self._rows += 1
        self._last_step = step
        if self._rows == len(self._step):
            self._write_rows()

    def flush(self) -> None:
        """Everything appended is on the disk when this returns. On a full disk OSError: what earlier flushes wrote stays readable."""
        self._write_rows()
        self._write(b"", sync=True)

    def _write_rows(self) -> None:
        """What is in memory, as one record batch."""
        if self._rows == 0:
            return
        n = self._rows
        blocks = [self._step[:n], self._r_tm[:n], self._nll_m[:n], *self._scalars[:, :n], self._clock_s[:n]]
        columns = [_arrow(values, field.type) for values, field in zip(blocks, self._schema, strict=True)]
        self._write(pa.record_batch(columns, schema=self._schema).serialize())
        self._rows = 0

    def close(self) -> None:
        """Flushes and ends the stream; after a failed write it only lets go of the file. A second call does nothing."""
        if self._file < 0:
            return
        try:
            if not self._failed:
                self._write_rows()
                self._write(_END_OF_STREAM, sync=True)
        finally:
            os.close(self._file)
            self._file = -1

    def __enter__(self) -> "HistoryWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def _write(self, message: Any, *, sync: bool = False) -> None:
        """At the end of what is whole: a write that was interrupted is written over."""
        view, at = memoryview(message), self._size
        try:
            while view:
                written = os.pwrite(self._file, view, at)
                view, at = view[written:], at + written
            if sync:
                os.fsync(self._file)
        except OSError as error:
            self._failed = True
            with contextlib.suppress(OSError):
                os.ftruncate(self._file, self._size)
            kept = f"history stops after step {self._last_step - self._rows}"
            raise OSError(error.errno, f"{error.strerror}: {kept}", str(self.path)) from error
        self._size = at


def seal(trial_folder: Path, steps: int | None = None) -> Path:
    """Merges the attempts into ``history.parquet``, which appears whole or not at all; the attempts stay (``remove_attempts``).

    Raises HistoryError, and seals nothing, where a step from 1 to the last one is missing. ``steps``: how many the trial trained;
    without it, a last attempt whose end is damaged passes for one that stopped there.
    """
    sealed = trial_folder / SEALED
    partial = trial_folder / f"{SEALED}.partial-{os.getpid()}"
    table = read_attempts(trial_folder)
    require_every_step(table, trial_folder / FOLDER, steps)
    try:
        with partial.open("wb") as file:
            pq.write_table(table, file, compression="zstd", use_dictionary=False, use_byte_stream_split=True)
            file.flush()
            os.fsync(file.fileno())
        os.replace(partial, sealed)
    except OSError as error:
        partial.unlink(missing_ok=True)
        raise OSError(error.errno, f"{error.strerror}: history not sealed, its attempts are kept", str(sealed)) from error
    _sync_folder(trial_folder)
    return sealed


def remove_attempts(trial_folder: Path) -> None:
    """Deletes the attempts of a sealed history; leaves them where there is no ``history.parquet``."""
    if (trial_folder / SEALED).is_file():
        for path in attempt_files(trial_folder):
            path.unlink(missing_ok=True)


def _arrow(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Numbers without copying; ``pa.array`` would import pandas in mid-training."""
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(_arrow(values.ravel(), kind.value_type), kind.list_size)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])


def _sync_folder(folder: Path) -> None:
    """Makes a new name in the folder survive a power cut."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
