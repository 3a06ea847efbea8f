"""Extract word features, one shard at a time.

A shard is a file with the features of some words. Any process of any machine can make any shard.
Each finished shard has a record beside it, so that a later run makes only the shards that are
missing.
"""

import functools
import re
import socket
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ConfigError
from raygroup.files.atomic import read_json_if_exists, write_json
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place, size_of
from raygroup.files.retry import Retry
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS
from raygroup.runtime.preparation.extraction_plan import Extraction
from raygroup.runtime.process_map import map_in_order
from raygroup.runtime.processes import WorkerPool
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.crops import crop_array
from raygroup.words.feature_shards import BATCH_ROWS, FeatureShard, write_features
from raygroup.words.feature_store import write_feature_store
from raygroup.words.word_store import WordStore, open_word_store

if TYPE_CHECKING:
    from raygroup.model.laptop_trunk import Trunk

PROGRESS_LABEL = "words through the trunk"
_NUM_READERS = 16
_RETRY_S = 60.0
"""Longest time that storage may fail while a shard is written."""
_SHARED = "the storage path must be one that all machines share, a network file system or s3://bucket/folder"
ProgressCallback = Callable[[str, int, int], None]
"""Called with a label, the number of finished items, and the number of all items."""


ShardMaker = Callable[[Extraction, Sequence[int]], Iterator[tuple[int, FeatureShard]]]
"""Makes the shards of these numbers, in any order."""


def complete_store(extraction: Extraction, make_shards: ShardMaker, progress: ProgressCallback) -> None:
    """Make every missing shard, and then write ``features.json``.

    The caller must hold the folder's lock. Raises ConfigError if a worker has made a shard that
    this machine cannot see.
    """
    _delete_leftovers(extraction)
    shards = finished_shards(extraction)
    missing = [number for number in range(extraction.num_shards) if number not in shards]
    done = sum(shard.rows for shard in shards.values())
    progress(PROGRESS_LABEL, done, extraction.num_words)
    for number, shard in make_shards(extraction, missing) if missing else ():
        shards[number] = shard
        done += shard.rows
        progress(PROGRESS_LABEL, done, extraction.num_words)
    # A worker may report success and yet have written to a folder of its own machine.
    invisible = sorted(set(missing) - finished_shards(extraction).keys()) if missing else []
    if invisible:
        raise ConfigError(f"a worker made {extraction.shard_path(invisible[0])}, but this machine does not see the file: {_SHARED}")
    in_order = [shards[number] for number in range(extraction.num_shards)]
    write_feature_store(extraction.features, FEATURE_SHAPE, in_order, extraction.metadata | {"device": extraction.device})
    _delete_leftovers(extraction)


def finished_shards(extraction: Extraction) -> dict[int, FeatureShard]:
    """Return the finished shards by number."""
    with ThreadPoolExecutor(_NUM_READERS) as threads:
        shards = threads.map(functools.partial(finished_shard, extraction), range(extraction.num_shards))
        return {number: shard for number, shard in enumerate(shards) if shard is not None}


def finished_shard(extraction: Extraction, number: int) -> FeatureShard | None:
    """Return a shard if it is finished, else None.

    Its record must have the metadata of this extraction, and its file the size in the record.
    """
    try:
        record = read_json_if_exists(extraction.record_path(number))
    except ConfigError:
        return None  # the record is damaged, so the shard is made again
    if {key: record.get(key) for key in extraction.metadata} != extraction.metadata:
        return None
    shard = FeatureShard(**{key: record[key] for key in ("rows", "bytes", "crc32")})
    return shard if size_of(extraction.shard_path(number)) == shard.bytes else None


def make_shard(extraction: Extraction, number: int) -> FeatureShard:
    """Run the trunk over a shard's words, and write shard and record.

    A finished shard is returned as it is.
    """
    shard = finished_shard(extraction, number)
    if shard is None:
        path, metadata = extraction.shard_path(number), extraction.metadata | {"shard": number}
        shard = Retry(_RETRY_S)(lambda: write_features(path, FEATURE_SHAPE, _feature_batches(extraction, number), metadata))
        record = extraction.metadata | asdict(shard) | {"device": extraction.device}
        Retry(_RETRY_S)(lambda: write_json(extraction.record_path(number), record))
    return shard


def local_shard_maker(workers: WorkerPool) -> ShardMaker:
    """Return a function that makes shards in these processes."""

    def make_shards(extraction: Extraction, numbers: Sequence[int]) -> Iterator[tuple[int, FeatureShard]]:
        return zip(numbers, map_in_order(workers, functools.partial(make_shard, extraction), numbers), strict=True)

    return make_shards


def _feature_batches(extraction: Extraction, number: int) -> Iterable[NDArray[np.float16]]:
    """Yield the features of a shard's words.

    Torch has one thread from here on, so the number of cores does not change the features.
    """
    import torch

    from raygroup.training.feature_extraction import extract_features

    torch.set_num_threads(1)
    words, trunk = _open_words(extraction.store), _load_trunk(extraction.weights, extraction.device)
    rows = extraction.rows_of(number)
    for start in range(rows.start, rows.stop, BATCH_ROWS):
        batch_rows = np.arange(start, min(start + BATCH_ROWS, rows.stop))
        yield extract_features(trunk, crop_array(words, batch_rows, *extraction.crop_size))


@functools.lru_cache(1)
def _load_trunk(weights: Place | None, device: str) -> "Trunk":
    """Load the trunk, once in a worker process."""
    from raygroup.training.universal_weights import load_universal

    return load_universal(LAPTOP_WEIGHTS if weights is None else local_copy(weights)).trunk.to(device)


@functools.lru_cache(1)
def _open_words(store: Place) -> WordStore:
    if not store.is_file():
        raise ConfigError(f"{socket.gethostname()} does not see {store}: {_SHARED}")
    return open_word_store(local_copy(store))


def _delete_leftovers(extraction: Extraction) -> None:
    """Delete partial files of killed writers, and shards after the last one.

    Shards after the last one remain from an extraction with another shard size.
    """
    if not isinstance(extraction.features, Path):
        return
    for path in extraction.features.parent.glob("[0-9]*"):
        match = re.fullmatch(r"(\d{5,})\.(arrow|json)(\.partial-.*)?", path.name)
        if match and (match[3] or int(match[1]) >= extraction.num_shards):
            path.unlink(missing_ok=True)
