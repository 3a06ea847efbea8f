"""Writes a history: rows gather in memory, go to an Arrow IPC stream one batch at a time, and end as one Parquet file."""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from raygroup.files.atomic import whole
from raygroup.files.places import Place
from raygroup.files.retry import IMPATIENT, Patience
from raygroup.history.reader import FOLDER, SEALED, attempt_files, read_attempts, require_every_step
from raygroup.history.schema import SCALARS, history_schema
from raygroup.history.sinks import Marks, sink


class HistoryWriter:
    """The history of one attempt at a trial, in ``<folder>/history``: ``attempt-<N>.arrows``, on object stores ``part-<N>-<K>.arrows``.

    Rows go to a file every ``flush_every`` steps, which a killed process survives; a power cut, and an object store, they reach once
    ``flush`` has returned. Flush before a checkpoint is written, or a trial that resumes from it lacks steps.
    """

    def __init__(
        self, folder: Place, attempt: int, tasks: Sequence[str], heads: int, metadata: dict[str, Any], *, flush_every: int = 50,
        patience: Patience = IMPATIENT,
    ) -> None:  # fmt: skip
        """Raises OSError naming the file where it cannot be made, also where this attempt has one already."""
        self._schema = history_schema(tasks, heads, metadata)
        self._step = np.zeros(flush_every, np.int32)
        self._r_tm = np.zeros((flush_every, len(tasks), heads), np.float32)
        self._nll_m = np.zeros((flush_every, heads), np.float32)
        self._scalars = np.zeros((len(SCALARS), flush_every), np.float32)
        self._clock_s = np.zeros(flush_every, np.float64)
        self._rows = 0
        self._last_step = 0
        self._patience = patience
        self._failed = self._closed = False
        self._sink = patience(lambda: sink(folder / FOLDER, attempt, self._schema.serialize()))

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
        self._tried(self._sink.sync)

    @property
    def path(self) -> Place:
        """The file that is being written; on an object store the next one."""
        return self._sink.path

    def marks(self) -> Marks:
        """What of this attempt's files is written, with checksums."""
        return self._sink.marks()

    def close(self) -> None:
        """Flushes and ends the stream; after a failed write it only lets go of the file. A second call does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if not self._failed:
                self._write_rows()
        finally:
            self._sink.close(ended=not self._failed)

    def _write_rows(self) -> None:
        """What is in memory, as one record batch."""
        if self._rows == 0:
            return
        n = self._rows
        blocks = [self._step[:n], self._r_tm[:n], self._nll_m[:n], *self._scalars[:, :n], self._clock_s[:n]]
        columns = [_arrow(values, field.type) for values, field in zip(blocks, self._schema, strict=True)]
        message = pa.record_batch(columns, schema=self._schema).serialize()
        self._tried(lambda: self._sink.write(message))
        self._rows = 0

    def _tried(self, work: Callable[[], None]) -> None:
        try:
            self._patience(work)
        except OSError as error:
            self._failed = True
            kept = f"history stops after step {self._last_step - self._rows}"
            raise OSError(error.errno or 0, f"{error.strerror or error}: {kept}", error.filename) from error

    def __enter__(self) -> "HistoryWriter":
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def seal(trial_folder: Place, steps: int | None = None) -> Place:
    """Merges the attempts into ``history.parquet``, whose pages carry checksums; it appears whole or not at all, and the attempts stay
    (``remove_attempts``).

    Raises HistoryError, and seals nothing, where a step from 1 to the last one is missing. ``steps``: how many the trial trained;
    without it, a last attempt whose end is damaged passes for one that stopped there.
    """
    sealed = trial_folder / SEALED
    table = read_attempts(trial_folder)
    require_every_step(table, trial_folder / FOLDER, steps)
    with whole(sealed, lost="history not sealed, its attempts are kept") as file:
        pq.write_table(
            table, file, compression="zstd", use_dictionary=False, use_byte_stream_split=True, write_page_checksum=True
        )  # fmt: skip
    return sealed


def remove_attempts(trial_folder: Place) -> None:
    """Deletes the attempts of a sealed history; leaves them where there is no ``history.parquet``."""
    if (trial_folder / SEALED).is_file():
        for path in attempt_files(trial_folder):
            path.unlink(missing_ok=True)


def _arrow(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Numbers without copying; ``pa.array`` would import pandas in mid-training."""
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(_arrow(values.ravel(), kind.value_type), kind.list_size)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
