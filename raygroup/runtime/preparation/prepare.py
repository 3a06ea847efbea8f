"""Words and features made ready once: rendered or read into the cache, through the frozen trunk, on all cores."""

import functools
from collections import Counter, deque
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import Future, ProcessPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pyarrow as pa

from raygroup.config import Words
from raygroup.files.atomic import write_bytes
from raygroup.files.local_copies import copy_path, publish
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.planning.plan import Plan
from raygroup.runtime.preparation.extraction import Progress, ShardMaker, complete, extraction_of, local_shard_maker
from raygroup.runtime.processes import cores, pool
from raygroup.storage.locks import lock_folder
from raygroup.words.importing.importer import import_user_words
from raygroup.words.labels import normalise
from raygroup.words.rendering.fonts import FontFile
from raygroup.words.rendering.synthesis import CropOrder, chunks, draw_crops, fonts_of, plan_crops
from raygroup.words.word_store import SCHEMA, StoreMetadata, write_word_store

_PATIENCE_S = 3600.0
"""How long a second driver waits for the first to prepare the words both need."""
Item = TypeVar("Item")
Result = TypeVar("Result")


def prepare(plan: Plan, missing: Sequence[Job], progress: Progress) -> None:
    """Everything these trials of a plan need in the cache; what is there already is not made again."""
    prepare_words(plan, missing, progress)
    prepare_features(missing, local_shard_maker(cores()), progress)


def prepare_words(plan: Plan, missing: Sequence[Job], progress: Progress) -> None:
    """The word stores of these trials, and their weights where every machine finds them."""
    for job in {job.store: job for job in missing}.values():
        with lock_folder(job.store.parent, "cache", _PATIENCE_S):
            if not job.store.exists():
                path = made_at(job.store)
                _make_store(plan, job, path, progress)
                publish(path, job.store)
    for shared, weights in {job.shared_weights: job.weights for job in missing if job.shared_weights}.items():
        if not shared.exists():
            shared.parent.mkdir(parents=True, exist_ok=True)
            write_bytes(shared, weights.read_bytes())


def prepare_features(missing: Sequence[Job], work: ShardMaker, progress: Progress, **settings: Any) -> None:
    """The features of these trials, whose words are made; ``settings`` are those of ``extraction_of``."""
    for job in {job.features: job for job in missing}.values():
        with lock_folder(job.features.parent, "cache", _PATIENCE_S):
            if not job.features.exists():
                complete(extraction_of(job, **settings), work, progress)


def made_at(place: Place) -> Path:
    """Where on this machine a file is made; its folder is there."""
    path = place if isinstance(place, Path) else copy_path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _make_store(plan: Plan, job: Job, path: Path, progress: Progress) -> None:
    words = job.trial.words
    if plan.words is not None:
        import_user_words(plan.words, words.tasks, path, job.data)
    else:
        render_store(path, words, fonts_of(words, plan.fonts), job.data, progress)


def render_store(path: Path, words: Words, fonts: dict[str, tuple[FontFile, ...]], data: str, progress: Progress) -> None:
    """The word store of rendered words; the report counts, by task, words that no font could write whole."""
    orders = plan_crops(words)
    dropped: Counter[str] = Counter()
    done = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal done
        with pool(cores()) as workers:
            for kept, images, missing in in_order(workers, functools.partial(draw_crops, words=words, fonts=fonts), chunks(orders)):
                dropped.update(missing)
                done += len(kept) + missing.total()
                progress("words rendered", done, len(orders))
                yield _rendered_batch(kept, images)

    def metadata() -> StoreMetadata:
        return StoreMetadata(fingerprint=data, tasks=words.tasks, report={"missing_glyph": dict(dropped), "words": _word_counts(orders)})

    write_word_store(path, batches(), metadata)


def in_order(workers: ProcessPoolExecutor, work: Callable[[Item], Result], items: Iterable[Item]) -> Iterator[Result]:
    """The results of a pool in the order of the items, with few of them in memory at a time."""
    waiting: deque[Future[Result]] = deque()
    for item in items:
        waiting.append(workers.submit(work, item))
        if len(waiting) > 2 * cores():
            yield waiting.popleft().result()
    while waiting:
        yield waiting.popleft().result()


def _rendered_batch(orders: Sequence[CropOrder], images: Sequence[bytes]) -> pa.RecordBatch:
    texts = [order.text for order in orders]
    columns = [images, texts, map(normalise, texts), [o.task for o in orders], ["rendered"] * len(orders), [o.split for o in orders]]
    return pa.record_batch([pa.array(column, kind.type) for column, kind in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _word_counts(orders: Sequence[CropOrder]) -> dict[str, dict[str, int]]:
    distinct = {(order.task, order.split, order.text) for order in orders}
    counts: dict[str, dict[str, int]] = {}
    for task, split, _ in distinct:
        counts.setdefault(task, {}).setdefault(split, 0)
        counts[task][split] += 1
    return counts
