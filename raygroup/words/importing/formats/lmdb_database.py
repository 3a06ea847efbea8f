"""LMDB of deep-text-recognition-benchmark: images and texts in one database.

The keys are ``num-samples``, ``image-000000001`` and ``label-000000001``, counted from 1. CRNN and
PARSeq use the same. Reading needs the package ``lmdb``, which the extra ``raygroup[lmdb]`` brings.
"""

import contextlib
import hashlib
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.words.importing.formats.lmdb_check import require_readable, require_whole
from raygroup.words.importing.formats.word_format import WordFormat
from raygroup.words.importing.image_files import NoImage
from raygroup.words.importing.listed_rows import OPTIONAL, ListedRows, ReportProgress, ignore_progress, progress_over
from raygroup.words.importing.reasons import MISSING

_IMAGES_PER_BLOCK = 512
_SHOWN = 20
_COUNT = b"num-samples"


@dataclass(frozen=True)
class LmdbWords:
    """The words of a database. Only the images of one block are in memory."""

    file: Path
    """``data.mdb``."""
    notes: tuple[str, ...] = ()

    @property
    def root(self) -> Path:
        return self.file.parent

    @property
    def name(self) -> str:
        return self.file.resolve().parent.name

    def rows(self, progress: ReportProgress = ignore_progress) -> ListedRows:
        """Return the texts in the order of their numbers.

        Raises ConfigError if the database is damaged, lacks ``num-samples``, or has a text that is
        not UTF-8.
        """
        require_readable(self.file)
        with _transaction(self.file) as transaction:
            total = _num_samples(self.file, transaction)
            report = progress_over(total, progress)
            texts = []
            for number in range(1, total + 1):
                texts.append(self._text(number, transaction.get(_key("label", number))))
                if number % _IMAGES_PER_BLOCK == 0:
                    report("labels read", number, total)
            notes = _notes(transaction.stat()["entries"], total, None not in texts)
        nulls = pa.nulls(total, pa.string())
        columns = {"line": pa.array(range(1, total + 1), pa.int32()), "text": pa.array(texts, pa.string())}
        return ListedRows(pa.table({**columns, **dict.fromkeys(OPTIONAL, nulls)}), frozenset(), (*self.notes, *notes))

    def place(self, rows: pa.Table, row: int) -> str:
        return f"{self.file.name}: {_key('image', rows['line'][row].as_py()).decode()}"

    def image_keys(self, rows: pa.Table) -> None:
        """Return None: each number is an image of its own."""

    def images(self, rows: pa.Table, wanted: NDArray[np.bool_]) -> Iterator[list[bytes | NoImage | None]]:
        """Yield the bytes of every row's image in blocks of 512 rows. A row that is not wanted has None."""
        with _transaction(self.file) as transaction:
            for start in range(0, rows.num_rows, _IMAGES_PER_BLOCK):
                numbers = range(start + 1, min(start + _IMAGES_PER_BLOCK, rows.num_rows) + 1)
                mask = wanted[start : start + len(numbers)]
                yield [
                    (transaction.get(_key("image", number)) or NoImage(MISSING)) if is_wanted else None
                    for number, is_wanted in zip(numbers, mask, strict=True)
                ]

    def fingerprint(self, progress: ReportProgress = ignore_progress) -> str:
        """Return the SHA-256 of the database's bytes."""
        with self.file.open("rb") as stream:
            return hashlib.file_digest(stream, "sha256").hexdigest()

    def _text(self, number: int, value: bytes | None) -> str | None:
        try:
            return None if value is None else value.decode()
        except UnicodeDecodeError as error:
            key = _key("label", number).decode()
            raise ConfigError(f"{self.file}: {key} is {bytes(value or b'')[:_SHOWN]!r}: not UTF-8: write the texts as UTF-8") from error


def _touch_all(file: Path) -> None:
    """Read every text and image, and keep none. Raises ConfigError like ``LmdbWords``."""
    with _transaction(file) as transaction:
        total = _num_samples(file, transaction)
        for number in range(1, total + 1):
            transaction.get(_key("label", number))
            transaction.get(_key("image", number))
        transaction.stat()


def _key(kind: str, number: int) -> bytes:
    return f"{kind}-{number:09d}".encode()


@contextlib.contextmanager
def _transaction(file: Path) -> Iterator[Any]:
    """Open a database for reading. Raises ConfigError if this is not possible."""
    try:
        import lmdb
    except ImportError as error:
        raise ConfigError(f"{file}: reading an LMDB needs the package lmdb: pip install 'raygroup[lmdb]'") from error
    try:
        with lmdb.open(str(file), subdir=False, readonly=True, lock=False, readahead=False, create=False) as database:
            require_whole(file, database)
            with database.begin() as transaction:
                yield transaction
    except lmdb.Error as error:
        raise ConfigError(f"{file}: not a readable LMDB database: {error}") from error


def _num_samples(file: Path, transaction: Any) -> int:
    value = transaction.get(_COUNT)
    if value is None:
        raise ConfigError(f"{file}: no key 'num-samples'; needed: num-samples, image-000000001, label-000000001 and so on")
    most = transaction.stat()["entries"]
    if not re.fullmatch(rb"\d{1,9}", value) or int(value) > most:
        raise ConfigError(f"{file}: num-samples is {bytes(value)[:_SHOWN]!r}: it must be the number of words, at most {most}")
    return int(value)


def _notes(num_entries: int, num_samples: int, has_all_texts: bool) -> list[str]:
    """Return a note if the database has more entries than one count and two for each word."""
    more = num_entries - 1 - 2 * num_samples
    return [f"{more} entries beyond 'num-samples' {num_samples} are not read"] if more > 0 and has_all_texts else []


LMDB = WordFormat(
    name="lmdb", title="an LMDB", pattern=re.compile(r"data\.mdb", re.IGNORECASE), suffixes=(".mdb",), open=LmdbWords
)  # fmt: skip

if __name__ == "__main__":
    _touch_all(Path(sys.argv[1]))
