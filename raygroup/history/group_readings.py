"""Store how each group head of a bank reads the test words of its tasks."""

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.atomic import atomic_write
from raygroup.files.places import Place, arrow_source
from raygroup.files.retry import is_storage_failure
from raygroup.storage.records import with_remedy

GROUP_READINGS_LAYOUT = 2
_WITHOUT_CLASSIFIER = 1
"""The layout before ``sent_to``."""

SCHEMA = pa.schema(
    [
        pa.field("head", pa.int16(), nullable=False),
        pa.field("group", pa.string(), nullable=False),
        pa.field("task", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
        pa.field("word", pa.int32(), nullable=False),
        pa.field("exact", pa.bool_(), nullable=False),
        pa.field("one_minus_ned", pa.float32(), nullable=False),
        pa.field("nll", pa.float32()),
        pa.field("sent_to", pa.string()),
    ],
    metadata={b"raygroup": str(GROUP_READINGS_LAYOUT).encode()},
)
"""One row for each head and each test word of a task of its group, or that the classifier sends to a task of its group.

``group`` is a text such as ``ar+ko``, with tasks in the paper's order. ``word`` is the row of the word in its store, so all trials on
the same words name them alike. ``nll`` is Eq. (5) of the truth, null for a word with a character that no head can write.
``sent_to`` is the task that the classifier finds most likely, null if the bank has none.
"""


def write_group_readings(path: Place, columns: Mapping[str, Sequence[Any]]) -> None:
    """Write all columns of SCHEMA as one atomic file. Raises OSError with the path."""
    table = pa.table({name: columns[name] for name in SCHEMA.names}, schema=SCHEMA)
    with atomic_write(path, consequence="readings of group heads not written") as file:
        pq.write_table(table, file, compression="zstd", write_page_checksum=True)


def read_group_readings(path: Place) -> pa.Table:
    """Return the readings of a bank. Raises DamagedFileError if the file cannot be read, and ConfigError if it has another layout."""
    try:
        with pq.ParquetFile(arrow_source(path), page_checksum_verification=True) as file:
            schema, table = file.schema_arrow, file.read()
    except (pa.ArrowException, OSError) as error:
        if is_storage_failure(error):
            raise
        raise DamagedFileError(with_remedy(path, f"{path}: not readable group readings: {error}")) from error
    layout = (schema.metadata or {}).get(b"raygroup", b"none").decode()
    if layout == str(_WITHOUT_CLASSIFIER) and schema.names == SCHEMA.names[:-1]:
        return table.append_column(SCHEMA.field("sent_to"), pa.nulls(len(table), pa.string())).cast(SCHEMA)
    if layout != str(GROUP_READINGS_LAYOUT) or schema.names != SCHEMA.names:
        raise ConfigError(
            f"{path}: group readings of layout {layout}, this raygroup reads {GROUP_READINGS_LAYOUT}: read them with the raygroup that "
            "wrote them"
        )
    return table
