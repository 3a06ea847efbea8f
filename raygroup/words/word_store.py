"""Store word images and their labels in one Parquet file.

The file is written in one pass, and its images are read one row group at a time.
"""

import contextlib
import functools
import hashlib
import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from raygroup.errors import ConfigError, DamagedFileError
from raygroup.files.atomic import atomic_write
from raygroup.files.retry import is_storage_failure

_LAYOUT = 1
_MAKE_AGAIN = "if it lies in the cache of a storage path, delete it, and the next run makes it again"
SPLITS = ("train", "new", "unseen")
"""``train``: the images of training. ``new``: other images of training words. ``unseen``: words that were never trained on."""

SCHEMA = pa.schema(
    [
        pa.field("image", pa.binary(), nullable=False),
        pa.field("text", pa.string(), nullable=False),
        pa.field("label", pa.string(), nullable=False),
        pa.field("task", pa.string()),
        pa.field("source", pa.string(), nullable=False),
        pa.field("split", pa.string(), nullable=False),
    ]
)
"""Columns of a word store.

``image`` is an encoded PNG or JPEG. ``text`` is the raw transcription, and ``label`` is what
``normalise`` makes of it. ``task`` is null if it is not known.
"""

_DICTIONARY_COLUMNS = ["task", "source", "split"]
_GROUP_ROWS = 2048
_GROUP_BYTES = 32 << 20
_UNSEEN_ONE_IN = 11


@dataclass(frozen=True, kw_only=True)
class StoreMetadata:
    """Facts about a word store, kept in its file."""

    fingerprint: str
    """Hash of the data that the words were made from."""
    tasks: tuple[str, ...]
    report: dict[str, Any] = field(default_factory=dict)
    """JSON: counts of the words that were kept, dropped and changed when the store was made."""


@dataclass(frozen=True)
class WordStore:
    """An open word store.

    Images stay on disk. The other columns are read into memory when one of them is first used.
    """

    path: Path
    metadata: StoreMetadata
    footer: pq.FileMetaData
    group_starts: NDArray[np.int64]
    """First row of each row group, then the total number of rows."""

    def __len__(self) -> int:
        return int(self.group_starts[-1])

    @functools.cached_property
    def columns(self) -> pa.Table:
        """Return every column but ``image``, in memory.

        ``task``, ``source`` and ``split`` are dictionary-encoded.
        """
        with _open(self.path, self.footer, read_dictionary=_DICTIONARY_COLUMNS) as file:
            return file.read(columns=SCHEMA.names[1:])

    def labels(self) -> list[str]:
        return self.columns["label"].to_pylist()  # type: ignore[no-any-return]

    def rows_of(self, split: str) -> NDArray[np.int64]:
        """Return the rows of a split, ascending."""
        return np.flatnonzero(self._numbers("split", (split,)) == 0)

    def task_numbers(self) -> NDArray[np.int32]:
        """Return the place of each word's task in ``metadata.tasks``, (w,).

        It is -1 if the task is not known.
        """
        return self._numbers("task", self.metadata.tasks)

    def source_numbers(self, names: tuple[str, ...]) -> NDArray[np.int32]:
        """Return the place of each word's source in ``names``, (w,).

        It is -1 if the source is not among them.
        """
        return self._numbers("source", names)

    def images(self, rows: NDArray[np.int64]) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
        """Yield the encoded images of the rows by row group.

        Each item is the places of these images in ``rows``, and their bytes.
        """
        with _open(self.path, self.footer) as file:
            groups = np.searchsorted(self.group_starts, rows, side="right") - 1
            for group in np.unique(groups):
                places = np.flatnonzero(groups == group)
                column = file.read_row_group(int(group), columns=["image"])["image"].combine_chunks()
                yield places, column.take(pa.array(rows[places] - self.group_starts[group]))

    def _numbers(self, column: str, names: tuple[str, ...]) -> NDArray[np.int32]:
        place = {name: number for number, name in enumerate(names)}
        values = self.columns[column].unify_dictionaries().combine_chunks()
        numbers = np.array([*(place.get(name, -1) for name in values.dictionary.to_pylist()), -1], np.int32)
        indices: NDArray[np.int32] = values.indices.fill_null(len(values.dictionary)).to_numpy(zero_copy_only=False)
        return numbers[indices]


def split_of(label: str) -> str:
    """Return ``unseen`` for one word in eleven, else ``train``.

    The split is a fixed property of a word, whatever its case, its images or its data set.
    """
    digest = hashlib.sha256(label.casefold().encode("utf-8", "surrogatepass")).digest()
    return "unseen" if int.from_bytes(digest) % _UNSEEN_ONE_IN == 0 else "train"


def write_word_store(path: Path, batches: Iterable[pa.RecordBatch], metadata: StoreMetadata | Callable[[], StoreMetadata]) -> None:
    """Write batches of ``SCHEMA`` to a word store.

    A row group has at most 2048 words and about 32 MB. The file appears complete or not at all, even
    after a power cut. ``metadata`` may be a function. It is called after the last batch, because a
    report is complete only then.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with atomic_write(path) as file, pq.ParquetWriter(
        file, SCHEMA, compression={"image": "NONE", **dict.fromkeys(SCHEMA.names[1:], "ZSTD")},
        use_dictionary=_DICTIONARY_COLUMNS, write_statistics=_DICTIONARY_COLUMNS, write_page_checksum=True,
    ) as writer:  # fmt: skip
        for group in _groups(batches):
            writer.write_table(group, row_group_size=_GROUP_ROWS)
        writer.add_key_value_metadata({"raygroup": _to_json(metadata() if callable(metadata) else metadata)})


def open_word_store(path: Path) -> WordStore:
    """Open a word store.

    Raises ConfigError if the file is something else or has another layout.
    """
    try:
        footer = pq.read_metadata(path)
    except (OSError, pa.ArrowException) as error:
        if is_storage_failure(error):
            raise
        raise ConfigError(f"{path}: not a word store: {error}; {_MAKE_AGAIN}") from error
    metadata = _from_json(path, (footer.metadata or {}).get(b"raygroup"))
    sizes = [footer.row_group(group).num_rows for group in range(footer.num_row_groups)]
    return WordStore(path, metadata, footer, np.cumsum([0, *sizes], dtype=np.int64))


@contextlib.contextmanager
def _open(path: Path, footer: pq.FileMetaData, **options: Any) -> Iterator[pq.ParquetFile]:
    """Open a word store for reading. Raises DamagedFileError if a page differs from its checksum. Older stores have none."""
    try:
        with pq.ParquetFile(path, metadata=footer, page_checksum_verification=True, **options) as file:
            yield file
    except (pa.ArrowException, OSError) as error:
        if is_storage_failure(error):
            raise
        raise DamagedFileError(f"{path}: damaged: {error}; {_MAKE_AGAIN}") from error


def _groups(batches: Iterable[pa.RecordBatch]) -> Iterator[pa.Table]:
    """Regroup batches within the limits on words and bytes."""
    waiting: list[pa.RecordBatch] = []
    rows, size = 0, 0
    for batch in batches:
        for start in range(0, batch.num_rows, _GROUP_ROWS):
            part = batch.slice(start, _GROUP_ROWS)
            if waiting and (rows + part.num_rows > _GROUP_ROWS or size + part.nbytes > _GROUP_BYTES):
                yield pa.Table.from_batches(waiting)
                waiting, rows, size = [], 0, 0
            waiting.append(part)
            rows, size = rows + part.num_rows, size + part.nbytes
    if waiting:
        yield pa.Table.from_batches(waiting)


def _to_json(metadata: StoreMetadata) -> str:
    facts = {"layout": _LAYOUT, "fingerprint": metadata.fingerprint, "tasks": metadata.tasks, "report": metadata.report}
    return json.dumps(facts, ensure_ascii=False)


def _from_json(path: Path, stored: bytes | None) -> StoreMetadata:
    if stored is None:
        raise ConfigError(f"{path}: a Parquet file, but not a word store: its schema metadata has no key 'raygroup'")
    facts = json.loads(stored)
    if facts.get("layout") != _LAYOUT:
        raise ConfigError(
            f"{path}: word store of layout {facts.get('layout')}, but this version reads {_LAYOUT}; delete it and prepare it again"
        )
    return StoreMetadata(fingerprint=facts["fingerprint"], tasks=tuple(facts["tasks"]), report=facts["report"])
