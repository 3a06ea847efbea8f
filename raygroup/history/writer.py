"""Write the history of a trial.

Rows collect in memory, go to an Arrow IPC stream in batches, and end as one Parquet file.
"""

from collections.abc import Callable, Sequence
from types import TracebackType
from typing import Any, Self

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import ArrayLike, NDArray

from raygroup.files.atomic import atomic_write
from raygroup.files.places import Place
from raygroup.files.retry import NO_RETRY, Retry
from raygroup.history.reader import attempt_files, read_attempts, require_every_step
from raygroup.history.schema import history_schema
from raygroup.history.sinks import Checksums, open_sink
from raygroup.storage.layout import EVIDENCE, HISTORY_FILE, HISTORY_FOLDER, STEPS

_NUMPY_TYPES = {pa.int32(): np.int32, pa.float32(): np.float32, pa.float64(): np.float64}
"""The types of a history's columns. Older versions of Arrow would import pandas to tell them."""


class RowWriter:
    """Writes the history of one attempt at a trial into ``<trial folder>/history``.

    The file is ``attempt-<N>.arrows``, or ``part-<N>-<K>.arrows`` on an object store. Rows go to
    the sink every ``flush_every`` steps. On a file system they then survive the end of the process.
    They survive a power cut, or reach an object store, once ``flush`` has returned. Flush before
    you write a checkpoint, or a trial that resumes from it lacks steps.
    """

    def __init__(
        self, folder: Place, attempt: int, schema: pa.Schema, *, flush_every: int = 50, retry: Retry = NO_RETRY, record: str = STEPS,
        evidence: "RowWriter | None" = None,
    ) -> None:  # fmt: skip
        """Raise OSError that names the file if it exists or cannot be created.

        ``record`` is a prefix of ``storage.layout``. ``evidence`` is a second record of the attempt,
        which this writer flushes and closes.
        """
        self._schema = schema
        self._columns = [_empty_column(field.type, flush_every) for field in schema]
        self._flush_every = flush_every
        self._rows = 0
        self._last_step = 0
        self._evidence = evidence
        self._retry = retry
        self._failed = self._closed = False
        self._sink = retry(lambda: open_sink(folder / HISTORY_FOLDER, attempt, self._schema.serialize(), record))
        try:
            retry(self._sink.begin)
        except OSError:
            self._sink.close()
            raise

    def append_row(self, step: int, *values: ArrayLike) -> None:
        """Append the row of one step. The values are those of the other columns, in their order. Raises OSError like ``flush``."""
        if self._rows == self._flush_every:
            self._write_rows()
        for column, value in zip(self._columns, (step, *values), strict=True):
            column[self._rows] = np.ravel(value) if column.ndim > 1 else value
        self._rows += 1
        self._last_step = step
        if self._rows == self._flush_every:
            self._write_rows()

    def append_evidence(self, step: int, *values: ArrayLike) -> None:
        """Append a row to the second record. Raises OSError like ``flush``."""
        if self._evidence is None:
            raise ValueError(f"step {step} has evidence, but this attempt has no record for it")
        self._evidence.append_row(step, *values)

    def flush(self) -> None:
        """Bring everything appended so far to disk. Raises OSError if the disk is full; earlier
        flushes stay readable."""
        if self._evidence:
            self._evidence.flush()
        self._write_rows()
        self._try(self._sink.sync)

    @property
    def path(self) -> Place:
        """The file that is written now. On an object store, the next one."""
        return self._sink.path

    def checksums(self) -> Checksums:
        """Return the checksums of what this attempt has written."""
        return self._sink.checksums() | (self._evidence.checksums() if self._evidence else {})

    def close(self) -> None:
        """Flush and end the stream. After a failed write it only closes the file. A second call
        does nothing."""
        if self._closed:
            return
        self._closed = True
        try:
            if self._evidence:
                self._evidence.close()
            if not self._failed:
                self._write_rows()
                self._try(self._sink.end)
        finally:
            self._sink.close()

    def _write_rows(self) -> None:
        """Write the rows in memory as one record batch."""
        if self._rows == 0:
            return
        n = self._rows
        columns = [_arrow_array(values[:n], field.type) for values, field in zip(self._columns, self._schema, strict=True)]
        message = pa.record_batch(columns, schema=self._schema).serialize()
        self._try(lambda: self._sink.write(message))
        self._rows = 0

    def _try(self, work: Callable[[], None]) -> None:
        """Do the work with retries. If it fails for good, name the last step that the history
        has."""
        try:
            self._retry(work)
        except OSError as error:
            self._failed = True
            end = f"history stops after step {self._last_step - self._rows}"
            raise OSError(error.errno or 0, f"{error.strerror or error}: {end}", error.filename) from error

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


class HistoryWriter(RowWriter):
    """Writes the history of a trial on words."""

    def __init__(
        self, folder: Place, attempt: int, tasks: Sequence[str], heads: int, metadata: dict[str, Any], *, flush_every: int = 50,
        retry: Retry = NO_RETRY, evidence: RowWriter | None = None,
    ) -> None:  # fmt: skip
        """Raise OSError that names the file if it exists or cannot be created."""
        super().__init__(folder, attempt, history_schema(tasks, heads, metadata), flush_every=flush_every, retry=retry, evidence=evidence)

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
        """Append the row of one step. ``schema.COLUMNS`` describes it; R_TM is (t, m) here. Raises
        OSError like ``flush``."""
        self.append_row(step, r_tm, nll_m, integrated_loss, grouping_loss, task_loss, words_per_s, clock_s)


def seal(trial_folder: Place, steps: int | None = None) -> Place:
    """Merge the attempts into ``history.parquet``. Its pages have checksums, and it appears whole
    or not at all.

    The attempts stay until ``remove_attempts``. ``steps`` is the number of steps that the trial
    trained. Without it, damage at the end of the last attempt looks like an attempt that stopped
    there. Raises HistoryError, and seals nothing, if a step is missing.
    """
    sealed = trial_folder / HISTORY_FILE
    table = read_attempts(trial_folder)
    require_every_step(table, trial_folder / HISTORY_FOLDER, steps)
    with atomic_write(sealed, consequence="history not sealed, its attempts are kept") as file:
        pq.write_table(
            table, file, compression="zstd", use_dictionary=False, use_byte_stream_split=True, write_page_checksum=True
        )  # fmt: skip
    return sealed


def remove_attempts(trial_folder: Place) -> None:
    """Delete the attempts of a sealed history. Without ``history.parquet`` they stay."""
    if (trial_folder / HISTORY_FILE).is_file():
        for path in [*attempt_files(trial_folder), *attempt_files(trial_folder, EVIDENCE)]:
            path.unlink(missing_ok=True)


def _empty_column(kind: pa.DataType, rows: int) -> NDArray[Any]:
    """Return an array for the values of a column. A list takes one row of it."""
    if pa.types.is_fixed_size_list(kind):
        return np.zeros((rows, kind.list_size), _NUMPY_TYPES[kind.value_type])
    return np.zeros(rows, _NUMPY_TYPES[kind])


def _arrow_array(values: NDArray[Any], kind: pa.DataType) -> pa.Array:
    """Return an Arrow array of these numbers without copying them. ``pa.array`` would import pandas
    during training."""
    if pa.types.is_fixed_size_list(kind):
        return pa.FixedSizeListArray.from_arrays(_arrow_array(values.ravel(), kind.value_type), kind.list_size)
    return pa.Array.from_buffers(kind, len(values), [None, pa.py_buffer(values)])
