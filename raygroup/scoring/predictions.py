"""What a finished trial read in every word of its splits: the Parquet file it is kept in, and the scores that follow from it."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import ConfigError
from raygroup.files.atomic import whole
from raygroup.files.places import Place, readable
from raygroup.scoring.word_accuracy import WordScores, score_words
from raygroup.tasks import by_paper_order

FILE = "predictions.parquet"
LAYOUT = 1
SPLITS = ("train", "new", "unseen")
"""Words as trained on; new renders of training words; words never trained on."""

ROUTINGS = {"classifier": "reading", "true task": "reading_by_true_task"}
"""Who says which head reads a word: the trained classifier, or the truth (which flatters). Name -> column of readings."""

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
    ],
    metadata={b"raygroup": str(LAYOUT).encode()},
)
"""One row a word. ``task``: the true one, null where unknown; ``text``: the raw truth; ``routed_task`` and ``head``: where the
classifier sent the word; ``image``: PNG, null but for the few words that summaries show."""


def write_predictions(path: Place, columns: Mapping[str, Sequence[Any]]) -> None:
    """Writes all columns of SCHEMA; the file appears whole or not at all. Raises OSError naming the path, ValueError for bad splits."""
    unknown = set(columns["split"]) - set(SPLITS)
    if unknown:
        raise ValueError(f"split is {sorted(unknown)}: must be one of {', '.join(SPLITS)}")
    table = pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)
    with whole(path, lost="predictions not written") as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)


def read_predictions(path: Place, columns: Sequence[str] | None = None) -> pa.Table:
    """The words of a trial, all columns or those named; raises ConfigError for a file of another layout."""
    try:
        schema = pq.read_schema(readable(path))
    except (pa.ArrowInvalid, OSError) as error:
        raise ConfigError(f"{path}: not readable predictions: {error}") from error
    layout = (schema.metadata or {}).get(b"raygroup", b"none").decode()
    if layout != str(LAYOUT) or schema.names != SCHEMA.names:
        raise ConfigError(
            f"{path}: predictions of layout {layout}, this raygroup reads {LAYOUT}: read them with the raygroup that wrote them"
        )
    with pq.ParquetFile(readable(path), page_checksum_verification=True) as file:
        return file.read(columns=list(columns) if columns is not None else None)


def score_predictions(words: pa.Table, split: str, routing: str = "classifier", *, exact: bool = False) -> WordScores:
    """Scores of one split under one of ROUTINGS; by true task, words without one do not count."""
    column = ROUTINGS[routing]
    rows = [
        (task, text, reading)
        for at, task, text, reading in zip(*(words[name].to_pylist() for name in ("split", "task", "text", column)), strict=True)
        if at == split and reading is not None
    ]
    tasks, texts, readings = [row[0] for row in rows], [row[1] for row in rows], [row[2] for row in rows]
    return score_words(tasks, texts, readings, by_paper_order({task for task in tasks if task is not None}), exact=exact)
