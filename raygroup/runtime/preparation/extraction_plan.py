"""Plan the files and shards of an extraction of word features."""

import math
from dataclasses import dataclass

from raygroup.errors import ConfigError
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import WordJob
from raygroup.storage.layout import shard_file, shard_record_file
from raygroup.values import SHARD_WORDS
from raygroup.words.feature_shards import BATCH_ROWS
from raygroup.words.word_store import open_word_store

_MAX_SHARD_ROWS = 16384
_TARGET_SHARDS = 64
"""Number of shards of a small data set. Many small shards let many workers help."""


@dataclass(frozen=True)
class Extraction:
    """The features to extract from a word store."""

    store: Place
    """The word store."""
    features: Place
    """The ``features.json`` to write."""
    weights: Place | None
    """The weights of the trunk. None stands for those in the package."""
    data: str
    """Fingerprint of the words and the weights."""
    crop_size: tuple[int, int]
    """Height and width of a crop, in pixels."""
    num_words: int
    shard_rows: int
    """Words in a shard. The last shard may have fewer."""
    device: str = "cpu"

    @property
    def num_shards(self) -> int:
        return -(-self.num_words // self.shard_rows)

    @property
    def metadata(self) -> dict[str, object]:
        """Return the metadata that all shards of one store share, whoever makes them."""
        return {"data": self.data, "shard_rows": self.shard_rows, "words": self.num_words}

    def rows_of(self, number: int) -> range:
        """Return the rows of a shard's words in the word store."""
        return range(number * self.shard_rows, min((number + 1) * self.shard_rows, self.num_words))

    def shard_path(self, number: int) -> Place:
        return self.features.with_name(shard_file(number))

    def record_path(self, number: int) -> Place:
        """Return the path of a shard's record.

        The record is written after the shard and stays. If one shard is damaged, only that shard is
        made again.
        """
        return self.features.with_name(shard_record_file(number))


def plan_extraction(job: WordJob, *, shard_rows: int | None = None, device: str = "cpu") -> Extraction:
    """Return the extraction of a job's features. Its word store must exist.

    ``shard_rows`` must pass ``require_shard_rows``. None takes ``default_shard_rows``.
    """
    words = job.trial.words
    num_words = len(open_word_store(local_copy(job.store)))
    return Extraction(
        store=job.store,
        features=job.features,
        weights=job.shared_weights,
        data=job.data,
        crop_size=(words.height, words.width),
        num_words=num_words,
        shard_rows=shard_rows or default_shard_rows(num_words),
        device=device,
    )


def require_shard_rows(rows: int | None) -> None:
    """Raise ConfigError for a shard size that would split a batch.

    Words are read in the same batches for every shard size, so their features have the same bits.
    """
    if rows is not None:
        SHARD_WORDS.require("--shard-words", rows)
    if rows and rows % BATCH_ROWS:
        raise ConfigError(f"--shard-words is {rows}: it must be a multiple of {BATCH_ROWS}, the number of words read at a time")


def default_shard_rows(num_words: int) -> int:
    """Return the number of words in a shard.

    It is 16,384 (200 MB), and fewer in a small data set. The size depends on the number of words
    alone, so any machine can continue the work of another.
    """
    return min(max(math.ceil(num_words / _TARGET_SHARDS / BATCH_ROWS), 1) * BATCH_ROWS, _MAX_SHARD_ROWS)
