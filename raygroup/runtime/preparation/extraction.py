"""Word features, made a shard at a time by whoever is told to: what a worker must know, which shards are made, and what ends a store."""

import functools
import math
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.files.atomic import read_json_if_exists, write_json
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place, size_of
from raygroup.files.retry import Retry
from raygroup.runtime.planning.jobs import BUNDLED, Job
from raygroup.runtime.processes import pool
from raygroup.storage.layout import shard_file, shard_record_file
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.crops import crop_array
from raygroup.words.feature_store import BATCH_ROWS, FeatureShard, write_feature_store, write_features
from raygroup.words.word_store import WordStore, open_word_store

if TYPE_CHECKING:
    from raygroup.model.laptop_trunk import Trunk

WHAT = "words through the trunk"
_LARGEST = 16384
_SHARDS = 64
"""A small data set has about so many shards, for as many workers, rather than few large ones."""
_LOOKED_AT_ONCE = 16
_PATIENCE_S = 60.0
"""How long storage may fail while a shard is written."""
_SHARED = "the storage path must be one that all machines share, a network file system or s3://bucket/folder"
Progress = Callable[[str, int, int], None]
"""Told (what, done, of)."""


@dataclass(frozen=True)
class Extraction:
    """The features of a word store, in shards; any process of any machine can make any of them."""

    store: Place
    features: Place
    """Their ``features.json``."""
    weights: Place | None
    """None for those in the package."""
    data: str
    size: tuple[int, int]
    """Height and width of the crops."""
    words: int
    shard_rows: int
    device: str = "cpu"

    @property
    def shards(self) -> int:
        return -(-self.words // self.shard_rows)

    @property
    def about(self) -> dict[str, object]:
        """What every shard of one store has in common, whoever made it."""
        return {"data": self.data, "shard_rows": self.shard_rows, "words": self.words}

    def rows(self, number: int) -> range:
        """The words of a shard."""
        return range(number * self.shard_rows, min((number + 1) * self.shard_rows, self.words))

    def shard(self, number: int) -> Place:
        return self.features.with_name(shard_file(number))

    def record(self, number: int) -> Place:
        """What says that a shard is made, written after it; it stays, so that one damaged shard can be made anew alone."""
        return self.features.with_name(shard_record_file(number))


ShardMaker = Callable[[Extraction, Sequence[int]], Iterator[tuple[int, FeatureShard]]]
"""Makes the shards of these numbers, in any order."""


def extraction_of(job: Job, *, shard_rows: int | None = None, device: str = "cpu") -> Extraction:
    """Of a job whose word store is made; ``shard_rows`` as ``require_shard_rows`` allows."""
    words = len(open_word_store(local_copy(job.store)))
    size = (job.trial.words.height, job.trial.words.width)
    rows = shard_rows or usual_shard_rows(words)
    return Extraction(job.store, job.features, job.shared_weights, job.data, size, words, rows, device)


def require_shard_rows(rows: int | None) -> None:
    """Raises ConfigError for a size that would part a batch: its words are read together, whatever the size, so the bits are the same."""
    if rows and rows % BATCH_ROWS:
        raise ConfigError(f"--shard-words is {rows}: it must be a multiple of {BATCH_ROWS}, the words that are read at a time")


def usual_shard_rows(words: int) -> int:
    """Words a shard: 16,384 (200 MB), fewer in a small data set; it depends on nothing else, so that any machine goes on with them."""
    return min(max(math.ceil(words / _SHARDS / BATCH_ROWS), 1) * BATCH_ROWS, _LARGEST)


def complete(extraction: Extraction, work: ShardMaker, progress: Progress) -> None:
    """Makes every shard that is missing, then the file that says so. Whoever calls this holds the folder."""
    _clear(extraction)
    made = made_shards(extraction)
    missing = [number for number in range(extraction.shards) if number not in made]
    done = sum(shard.rows for shard in made.values())
    progress(WHAT, done, extraction.words)
    for number, shard in work(extraction, missing) if missing else ():
        made[number] = shard
        done += shard.rows
        progress(WHAT, done, extraction.words)
    unseen = sorted(set(missing) - made_shards(extraction).keys()) if missing else []
    if unseen:
        raise ConfigError(f"{extraction.shard(unseen[0])} was made by a worker, but is not seen here: {_SHARED}")
    in_order = [made[number] for number in range(extraction.shards)]
    write_feature_store(extraction.features, FEATURE_SHAPE, in_order, extraction.about | {"device": extraction.device})
    _clear(extraction)


def made_shards(extraction: Extraction) -> dict[int, FeatureShard]:
    """The shards that are made, by number."""
    with ThreadPoolExecutor(_LOOKED_AT_ONCE) as threads:
        found = threads.map(functools.partial(recorded, extraction), range(extraction.shards))
        return {number: shard for number, shard in enumerate(found) if shard is not None}


def recorded(extraction: Extraction, number: int) -> FeatureShard | None:
    """A shard that is made, of these words and this size; None where it is not."""
    try:
        said = read_json_if_exists(extraction.record(number))
    except ConfigError:
        return None  # a damaged record is none: its shard is made anew
    if {key: said.get(key) for key in extraction.about} != extraction.about:
        return None
    shard = FeatureShard(**{key: said[key] for key in ("rows", "bytes", "crc32")})
    return shard if size_of(extraction.shard(number)) == shard.bytes else None


def make_shard(extraction: Extraction, number: int) -> FeatureShard:
    """Reads the words of a shard, row group by row group, runs the trunk, and writes the shard and then its record."""
    shard = recorded(extraction, number)
    if shard is None:
        path, about = extraction.shard(number), extraction.about | {"shard": number}
        shard = Retry(_PATIENCE_S)(lambda: write_features(path, FEATURE_SHAPE, _blocks(extraction, number), about))
        write_json(extraction.record(number), extraction.about | asdict(shard) | {"device": extraction.device})
    return shard


def local_shard_maker(workers: int) -> ShardMaker:
    """Makes shards in so many processes."""

    def work(extraction: Extraction, numbers: Sequence[int]) -> Iterator[tuple[int, FeatureShard]]:
        with pool(min(workers, len(numbers))) as processes:
            waiting = {processes.submit(make_shard, extraction, number): number for number in numbers}
            for ended in as_completed(waiting):
                yield waiting.pop(ended), ended.result()

    return work


def _blocks(extraction: Extraction, number: int) -> Iterable[NDArray[np.float16]]:
    from raygroup.training.feature_extraction import extracted

    words, trunk, rows = _words(extraction.store), _trunk(extraction.weights, extraction.device), extraction.rows(number)
    for start in range(rows.start, rows.stop, BATCH_ROWS):
        block = np.arange(start, min(start + BATCH_ROWS, rows.stop))
        yield extracted(trunk, crop_array(words, block, *extraction.size))


@functools.lru_cache(1)
def _trunk(weights: Place | None, device: str) -> "Trunk":
    """What a worker process loads once; one thread a process, so that results do not depend on how many cores there are."""
    import torch

    from raygroup.training.universal_weights import load_universal

    torch.set_num_threads(1)
    return load_universal(BUNDLED if weights is None else local_copy(weights)).trunk.to(device)


@functools.lru_cache(1)
def _words(store: Place) -> WordStore:
    if not store.is_file():
        raise ConfigError(f"{store} is not seen on {socket.gethostname()}: {_SHARED}")
    return open_word_store(local_copy(store))


def _clear(extraction: Extraction) -> None:
    """Removes what killed writers left, and shards beyond the last, of another size."""
    if not isinstance(extraction.features, Path):
        return
    for path in extraction.features.parent.glob("[0-9]*"):
        numbered = re.fullmatch(r"(\d{5,})\.(arrow|json)(\.partial-.*)?", path.name)
        if numbered and (numbered[3] or int(numbered[1]) >= extraction.shards):
            path.unlink(missing_ok=True)
