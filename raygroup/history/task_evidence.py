"""Store the evidence on tasks that a trial gathers: losses by task and head, products of gradients, and lookahead.

It is written with the history, so a trial that resumes has each step once. A finished trial has one Parquet file.
"""

import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import HistoryError
from raygroup.files.atomic import atomic_write
from raygroup.files.places import Place, open_stream
from raygroup.history.reader import attempt_files, column_values, read_attempts, read_sealed, require_every_step
from raygroup.history.schema import read_metadata
from raygroup.storage.layout import EVIDENCE, HISTORY_FOLDER, TASK_EVIDENCE_FILE


def read_task_evidence(trial_folder: Place) -> pa.Table:
    """Return the evidence of a trial, finished or not. ``schema.EVIDENCE_COLUMNS`` describes the columns.

    Raises HistoryError, in one line, if there is nothing to read or if steps are missing.
    """
    sealed = trial_folder / TASK_EVIDENCE_FILE
    if not sealed.is_file():
        return _read_unsealed(trial_folder, None)
    table = read_sealed(sealed)
    require_every_step(table, sealed, every=_every(table.schema, sealed))
    return table


def seal_task_evidence(trial_folder: Place, steps: int) -> None:
    """Merge the attempts into ``task_evidence.parquet``, which appears whole or not at all. ``steps`` is that of the training.

    The attempts stay until ``writer.remove_attempts``. Raises HistoryError, and seals nothing, if a step is missing.
    """
    table = _read_unsealed(trial_folder, steps)
    with atomic_write(trial_folder / TASK_EVIDENCE_FILE, consequence="evidence on tasks not sealed, its attempts are kept") as file:
        pq.write_table(table, file, compression="zstd", use_dictionary=False, write_page_checksum=True)


def same_task_evidence(a: pa.Table, b: pa.Table) -> bool:
    """Return True if two records agree bit for bit. Seconds and metadata do not count."""
    names = [name for name in a.column_names if not name.endswith("_s")]
    same_columns = a.column_names == b.column_names and len(a) == len(b)
    return same_columns and all(column_values(a[name]).tobytes() == column_values(b[name]).tobytes() for name in names)


def _read_unsealed(trial_folder: Place, steps: int | None) -> pa.Table:
    folder, files = trial_folder / HISTORY_FOLDER, attempt_files(trial_folder, EVIDENCE)
    if not files:
        raise HistoryError(f"{trial_folder}: no evidence on tasks: training.evidence of the trial is 'none', or it has not begun")
    every = _first_every(files)
    table = read_attempts(trial_folder, EVIDENCE, every)
    require_every_step(table, folder, steps, every)
    return table


def _first_every(files: list[Place]) -> int:
    """Return the number of steps between two rows, from the first file whose schema is whole."""
    for path in files:
        try:
            with open_stream(path) as file:
                return _every(pa.ipc.open_stream(file).schema, path)
        except (pa.ArrowException, EOFError):
            continue
    raise HistoryError(f"{files[0].parent}: no whole file of evidence on tasks")


def _every(schema: pa.Schema, path: Place) -> int:
    return int(read_metadata(schema, path)["every"])
