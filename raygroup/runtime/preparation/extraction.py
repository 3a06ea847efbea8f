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
from raygroup.files.atomic import read_if_there, write_json
from raygroup.files.local_copies import localised
from raygroup.files.places import Place, size_of
from raygroup.files.retry import Patience
from raygroup.runtime.planning.plan import BUNDLED, Job
from raygroup.runtime.processes import pool
from raygroup.words.crops import crop_array
from raygroup.words.feature_store import ROWS, Shard, shard_name, write_features, write_store
from raygroup.words.word_store import WordTable, read_words

if TYPE_CHECKING:
    from raygroup.model.laptop_trunk import Trunk

SHAPE = (24, 256)
"""Of one word's features: what the trunk gives."""
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
        return self.features.with_name(shard_name(number))

    def record(self, number: int) -> Place:
        """What says that a shard is made, written after it; it stays, so that one damaged shard can be made anew alone."""
        return self.features.with_name(f"{number:05}.json")


Work = Callable[[Extraction, Sequence[int]], Iterator[tuple[int, Shard]]]
"""Makes the shards of these numbers, in any order."""


def extraction_of(job: Job, *, shard_rows: int | None = None, device: str = "cpu") -> Extraction:
    """Of a job whose word store is made; ``shard_rows`` as ``require_shard_rows`` allows."""
    words = len(read_words(localised(job.store)))
    size = (job.trial.words.height, job.trial.words.width)
    rows = shard_rows or usual_shard_rows(words)
    return Extraction(job.store, job.features, job.shared_weights, job.data, size, words, rows, device)


def require_shard_rows(rows: int | None) -> None:
    """Raises ConfigError for a size that would part a batch: its words are read together, whatever the size, so the bits are the same."""
    if rows and rows % ROWS:
        raise ConfigError(f"--shard-words is {rows}: it must be a multiple of {ROWS}, the words that are read at a time")


def usual_shard_rows(words: int) -> int:
    """Words a shard: 16,384 (200 MB), fewer in a small data set; it depends on nothing else, so that any machine goes on with them."""
    return min(max(math.ceil(words / _SHARDS / ROWS), 1) * ROWS, _LARGEST)


def complete(extraction: Extraction, work: Work, progress: Progress) -> None:
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
    write_store(extraction.features, SHAPE, in_order, extraction.about | {"device": extraction.device})
    _clear(extraction)


def made_shards(extraction: Extraction) -> dict[int, Shard]:
    """The shards that are made, by number."""
    with ThreadPoolExecutor(_LOOKED_AT_ONCE) as threads:
        found = threads.map(functools.partial(recorded, extraction), range(extraction.shards))
        return {number: shard for number, shard in enumerate(found) if shard is not None}


def recorded(extraction: Extraction, number: int) -> Shard | None:
    """A shard that is made, of these words and this size; None where it is not."""
    try:
        said = read_if_there(extraction.record(number))
    except ConfigError:
        return None  # a damaged record is none: its shard is made anew
    if {key: said.get(key) for key in extraction.about} != extraction.about:
        return None
    shard = Shard(**{key: said[key] for key in ("rows", "bytes", "crc32")})
    return shard if size_of(extraction.shard(number)) == shard.bytes else None


def make_shard(extraction: Extraction, number: int) -> Shard:
    """Reads the words of a shard, row group by row group, runs the trunk, and writes the shard and then its record."""
    shard = recorded(extraction, number)
    if shard is None:
        path, about = extraction.shard(number), extraction.about | {"shard": number}
        shard = Patience(_PATIENCE_S)(lambda: write_features(path, SHAPE, _blocks(extraction, number), about))
        write_json(extraction.record(number), extraction.about | asdict(shard) | {"device": extraction.device})
    return shard


def on_this_machine(workers: int) -> Work:
    """Makes shards in so many processes."""

    def work(extraction: Extraction, numbers: Sequence[int]) -> Iterator[tuple[int, Shard]]:
        with pool(min(workers, len(numbers))) as processes:
            waiting = {processes.submit(make_shard, extraction, number): number for number in numbers}
            for ended in as_completed(waiting):
                yield waiting.pop(ended), ended.result()

    return work


def _blocks(extraction: Extraction, number: int) -> Iterable[NDArray[np.float16]]:
    from raygroup.training.feature_extraction import extracted

    words, trunk, rows = _words(extraction.store), _trunk(extraction.weights, extraction.device), extraction.rows(number)
    for start in range(rows.start, rows.stop, ROWS):
        block = np.arange(start, min(start + ROWS, rows.stop))
        yield extracted(trunk, crop_array(words, block, *extraction.size))


@functools.lru_cache(1)
def _trunk(weights: Place | None, device: str) -> "Trunk":
    """What a worker process loads once; one thread a process, so that results do not depend on how many cores there are."""
    import torch

    from raygroup.training.universal_weights import load_universal

    torch.set_num_threads(1)
    return load_universal(BUNDLED if weights is None else localised(weights)).trunk.to(device)


@functools.lru_cache(1)
def _words(store: Place) -> WordTable:
    if not store.is_file():
        raise ConfigError(f"{store} is not seen on {socket.gethostname()}: {_SHARED}")
    return read_words(localised(store))


def _clear(extraction: Extraction) -> None:
    """Removes what killed writers left, and shards beyond the last, of another size."""
    if not isinstance(extraction.features, Path):
        return
    for path in extraction.features.parent.glob("[0-9]*"):
        numbered = re.fullmatch(r"(\d{5,})\.(arrow|json)(\.partial-.*)?", path.name)
        if numbered and (numbered[3] or int(numbered[1]) >= extraction.shards):
            path.unlink(missing_ok=True)
