"""Store and score the readings of a finished trial. A Parquet file has every word of its splits."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.atomic import atomic_write
from raygroup.files.places import Place, arrow_source
from raygroup.files.retry import is_storage_failure
from raygroup.scoring.word_accuracy import WordScores, score_words
from raygroup.storage.records import with_remedy
from raygroup.tasks import by_paper_order
from raygroup.words.word_store import SPLITS

PREDICTIONS_LAYOUT = 2
_WITHOUT_NLL = 1
"""The layout of earlier versions, which lacks the columns of ``_NLL_COLUMNS``. They are read as null."""

ROUTINGS = {"classifier": "reading", "true task": "reading_by_true_task"}
"""Routing -> column of readings.

The head of a word comes from the trained classifier, or from its true task, which flatters.
"""

SCHEMA = pa.schema(
    [
        pa.field("split", pa.string(), nullable=False),
        pa.field("task", pa.string()),
        pa.field("text", pa.string(), nullable=False),
        pa.field("reading", pa.string(), nullable=False),
        pa.field("reading_by_true_task", pa.string()),
        pa.field("routed_task", pa.string()),
        pa.field("head", pa.int16()),
        pa.field("confidence", pa.float32()),
        pa.field("image", pa.binary()),
        pa.field("nll", pa.float32()),
        pa.field("nll_by_head", pa.list_(pa.float32())),
    ],
    metadata={b"raygroup": str(PREDICTIONS_LAYOUT).encode()},
)
"""One row for each word.

``task`` is the true task, null if it is not known. ``text`` is the raw truth. ``routed_task`` and
``head`` are the classifier's choice. ``image`` is a PNG, only for the few words that summaries
show. ``nll_by_head`` is the loss of the truth under each head, teacher-forced: the mean of -log p over
the word's characters and its end. ``nll`` is the one of the head of the true task. Both are null for
words with a character that no head can write.
"""
_NLL_COLUMNS = ("nll", "nll_by_head")


def write_predictions(path: Place, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write all columns of SCHEMA as one atomic file. The losses may be left out.

    Raises OSError with the path, and ValueError for an unknown split.
    """
    unknown = set(columns["split"]) - set(SPLITS)
    if unknown:
        raise ValueError(f"split is {sorted(unknown)}: must be one of {', '.join(SPLITS)}")
    losses = {name: columns.get(name, [None] * len(columns["split"])) for name in _NLL_COLUMNS}
    table = pa.table({name: losses[name] if name in losses else columns[name] for name in SCHEMA.names}, schema=SCHEMA)
    with atomic_write(path, consequence="predictions not written") as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)


def read_predictions(path: Place, columns: Sequence[str] | None = None) -> pa.Table:
    """Return the words of a trial.

    Without ``columns``, all columns are read. Raises ConfigError if the file is unreadable or has
    another layout.
    """
    try:
        schema = pq.read_schema(arrow_source(path))
    except (pa.ArrowException, OSError) as error:
        if is_storage_failure(error):
            raise
        raise _damaged(path, error) from error
    layout = (schema.metadata or {}).get(b"raygroup", b"none").decode()
    absent = _NLL_COLUMNS if layout == str(_WITHOUT_NLL) else ()
    stored = [name for name in SCHEMA.names if name not in absent]
    if layout not in (str(PREDICTIONS_LAYOUT), str(_WITHOUT_NLL)) or schema.names != stored:
        raise ConfigError(
            f"{path}: predictions of layout {layout}, this raygroup reads {_WITHOUT_NLL} and {PREDICTIONS_LAYOUT}: "
            "read them with the raygroup that wrote them"
        )
    wanted = SCHEMA.names if columns is None else list(columns)
    try:
        with pq.ParquetFile(arrow_source(path), page_checksum_verification=True) as file:
            return _with_nulls(file.read(columns=[name for name in wanted if name not in absent]), wanted)
    except (pa.ArrowException, OSError) as error:
        if is_storage_failure(error):
            raise
        raise _damaged(path, error) from error


def _with_nulls(words: pa.Table, columns: Sequence[str]) -> pa.Table:
    """Return these columns. Those that an earlier version did not write are null."""
    absent = [name for name in columns if name not in words.column_names]
    for name in absent:
        words = words.append_column(SCHEMA.field(name), pa.nulls(len(words), SCHEMA.field(name).type))
    return words.select(list(columns)) if absent else words


def _damaged(path: Place, error: Exception) -> DamagedFileError:
    return DamagedFileError(with_remedy(path, f"{path}: not readable predictions: {error}"))


def score_predictions(words: pa.Table, split: str, routing: str = "classifier", *, exact: bool = False) -> WordScores:
    """Return the scores of one split under one of ROUTINGS.

    Under ``true task``, words without a task do not count.
    """
    column = ROUTINGS[routing]
    rows = [
        (task, text, reading)
        for word_split, task, text, reading in zip(*(words[name].to_pylist() for name in ("split", "task", "text", column)), strict=True)
        if word_split == split and reading is not None
    ]
    tasks, texts, readings = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    return score_words(tasks, texts, readings, by_paper_order({task for task in tasks if task is not None}), exact=exact)
