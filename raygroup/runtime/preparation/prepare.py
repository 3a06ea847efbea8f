"""Prepare words and features.

Words are rendered or imported, and the trunk runs over them once. The results go into the cache of
the storage path, where later runs find them.
"""

import functools
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import pyarrow as pa

from raygroup.files.atomic import write_bytes
from raygroup.files.local_copies import copy_path, publish
from raygroup.files.places import Place
from raygroup.files.retry import NO_RETRY, Retry
from raygroup.runtime.planning.jobs import Job, word_jobs
from raygroup.runtime.planning.plan import Plan
from raygroup.runtime.preparation.extraction import ProgressCallback, ShardMaker, complete_store
from raygroup.runtime.preparation.extraction_plan import plan_extraction
from raygroup.runtime.process_map import map_in_order
from raygroup.runtime.processes import WorkerPool
from raygroup.runtime.stage1.job import JobOnWords, jobs_on_words, stage1_jobs
from raygroup.storage.locks import lock_folder
from raygroup.values import BAD_SHARE
from raygroup.words.feature_store import has_features
from raygroup.words.importing.importer import import_user_words
from raygroup.words.labels import normalise
from raygroup.words.rendering.synthesis import CropOrder, Rendering, chunks, draw_crops, plan_rendering
from raygroup.words.word_store import SCHEMA, StoreMetadata, write_word_store

CACHE_LOCK_WAIT_S = 3600.0
"""Longest time that a second driver waits while the first prepares the words that both need."""


def prepare_words(
    plan: Plan, missing: Sequence[Job], progress: ProgressCallback, workers: WorkerPool, retry: Retry = NO_RETRY,
    bad_share: float = BAD_SHARE,
) -> None:  # fmt: skip
    """Write the word stores of these jobs, and share their weights and first weights. Jobs on scenes need none.

    Everything that is in the cache already stays as it is. ``retry`` repeats what fails on the
    storage path. Raises ConfigError if more than ``bad_share`` of the user's words are lost.
    """
    for job in {job.store: job for job in jobs_on_words(missing)}.values():
        with lock_folder(job.store.parent, "cache", CACHE_LOCK_WAIT_S, retry):
            retry(functools.partial(_make_store, plan, job, progress, workers, bad_share))
    share_weights({job.shared_weights: job.weights for job in word_jobs(missing) if job.shared_weights and job.copies_weights}, retry)
    share_weights({job.start.shared: job.start.file for job in stage1_jobs(missing) if job.start and job.start.shared}, retry)


def share_weights(files: Mapping[Place, Path], retry: Retry = NO_RETRY) -> None:
    """Copy weights files to the storage path: target -> file on this machine. What is there stays as it is."""
    for shared, weights in files.items():
        retry(functools.partial(_share_file, weights, shared))


def _make_store(plan: Plan, job: JobOnWords, progress: ProgressCallback, workers: WorkerPool, bad_share: float) -> None:
    if not job.store.exists():
        path = local_output(job.store)
        _write_store(plan, job, path, progress, workers, bad_share)
        publish(path, job.store)


def _share_file(weights: Path, shared: Place) -> None:
    if not shared.exists():
        shared.parent.mkdir(parents=True, exist_ok=True)
        write_bytes(shared, weights.read_bytes())


def prepare_features(
    missing: Sequence[Job], make_shards: ShardMaker, progress: ProgressCallback, retry: Retry = NO_RETRY, **settings: Any
) -> None:
    """Extract the features of these jobs on words. Their word stores must exist.

    ``settings`` are keyword arguments of ``plan_extraction``.
    """
    for job in {job.features: job for job in word_jobs(missing)}.values():
        with lock_folder(job.features.parent, "cache", CACHE_LOCK_WAIT_S, retry):
            if not retry(functools.partial(has_features, job.features)):
                retry(functools.partial(complete_store, plan_extraction(job, **settings), make_shards, progress))


def local_output(place: Place) -> Path:
    """Return a local path for writing a file, and make its folder."""
    path = place if isinstance(place, Path) else copy_path(place)
    path.parent.mkdir(parents=True, exist_ok=True)
    return path


def _write_store(
    plan: Plan, job: JobOnWords, path: Path, progress: ProgressCallback, workers: WorkerPool, bad_share: float
) -> None:  # fmt: skip
    words = job.trial.words
    if plan.words is not None:
        import_user_words(plan.words, words.tasks, path, job.data, bad_share, progress)
    else:
        render_store(path, replace(plan_rendering(words, plan.fonts), fingerprint=job.data), progress, workers)


def render_store(path: Path, rendering: Rendering, progress: ProgressCallback, workers: WorkerPool) -> None:
    """Render words into a word store.

    Its report counts, by task, the renders that were dropped because no font has every glyph of the
    word.
    """
    orders = rendering.orders
    dropped: Counter[str] = Counter()
    done = 0

    def batches() -> Iterator[pa.RecordBatch]:
        nonlocal done
        draw = functools.partial(draw_crops, words=rendering.words, fonts=rendering.fonts, tasks=rendering.tasks)
        parts = [*chunks(orders)]
        # A single part needs no other process.
        for drawn_orders, images, dropped_by_task in map_in_order(workers, draw, parts) if len(parts) > 1 else map(draw, parts):
            dropped.update(dropped_by_task)
            done += len(drawn_orders) + dropped_by_task.total()
            progress("words rendered", done, len(orders))
            yield _rendered_batch(drawn_orders, images)

    def metadata() -> StoreMetadata:
        report = {"missing_glyph": dict(dropped), "words": _word_counts(orders)}
        return StoreMetadata(fingerprint=rendering.fingerprint, tasks=tuple(rendering.tasks), report=report)

    write_word_store(path, batches(), metadata)


def _rendered_batch(orders: Sequence[CropOrder], images: Sequence[bytes]) -> pa.RecordBatch:
    texts = [order.text for order in orders]
    tasks, splits = [order.task for order in orders], [order.split for order in orders]
    columns = [images, texts, map(normalise, texts), tasks, ["rendered"] * len(orders), splits]
    return pa.record_batch([pa.array(column, kind.type) for column, kind in zip(columns, SCHEMA, strict=True)], schema=SCHEMA)


def _word_counts(orders: Sequence[CropOrder]) -> dict[str, dict[str, int]]:
    """Return the number of different words by task and split."""
    distinct = {(order.task, order.split, order.text) for order in orders}
    counts: dict[str, dict[str, int]] = {}
    for task, split, _ in distinct:
        counts.setdefault(task, {}).setdefault(split, 0)
        counts[task][split] += 1
    return counts
