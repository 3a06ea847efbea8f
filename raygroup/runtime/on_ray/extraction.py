"""Word features on Ray: a pool of actors (Ray Data) makes the shards, each reads its words and writes its shard where the storage path is,
so that neither the driver nor the object store ever holds features.

The driver works in a process of its own, which this one watches: Ray ends a driver whose cluster is lost without a word.
"""

import contextlib
import logging
import multiprocessing
import os
import sys
import time
import traceback
import warnings
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ClusterLostError, ConfigError
from raygroup.files.local_copies import local_copies
from raygroup.runtime.on_ray.driver_process import begin_apart, end_when_asked
from raygroup.runtime.on_ray.settings import joined
from raygroup.runtime.preparation.extraction import Extraction, Work, make_shard
from raygroup.words.feature_store import Shard

_TRIES_AGAIN = 3
"""How often a shard is begun anew after its actor or node died."""
_END_S = 20.0
Columns = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class _Order:
    """What a driver is to do."""

    extraction: Extraction
    numbers: tuple[int, ...]
    address: str | None
    workers: int | None


def on_ray(address: str | None, workers: int | None = None) -> Work:
    """Makes shards on the cluster at ``address``, or on one of this run alone; with ``workers`` actors at most, else as many as fit.

    Raises ClusterLostError, and ConfigError for input that cannot be used.
    """

    def work(extraction: Extraction, numbers: Sequence[int]) -> Iterator[tuple[int, Shard]]:
        context = multiprocessing.get_context("spawn")
        pipe, theirs = context.Pipe()
        driver = context.Process(target=_drive, args=(_Order(extraction, tuple(numbers), address, workers), theirs))
        driver.start()
        theirs.close()
        try:
            yield from _heard(pipe, address)
        finally:
            pipe.close()
            driver.join(_END_S)
            if driver.is_alive():
                driver.kill()
                driver.join()

    return work


class ShardMaker:
    """An actor of the pool."""

    def __init__(self, extraction: Extraction) -> None:
        self.extraction = extraction  # trunk and words are brought here with the first shard: an error there has its own message

    def __call__(self, batch: Columns) -> Columns:
        """Numbers of shards, to what was written of them."""
        numbers = batch["number"]
        made = [asdict(make_shard(self.extraction, int(number))) for number in numbers]
        return {"number": numbers, **{key: np.array([each[key] for each in made], np.int64) for key in made[0]}}


def _heard(pipe: Connection, address: str | None) -> Iterator[tuple[int, Shard]]:
    while True:
        try:
            kind, content = pipe.recv()
        except (EOFError, OSError):
            raise ClusterLostError(f"the Ray cluster {'at ' + address if address else 'of this run'} is gone") from None
        if kind == "made":
            yield content
        elif kind == "bad input":
            raise ConfigError(content)
        elif kind == "failed":
            raise OSError(content)
        else:
            return


def _drive(order: _Order, pipe: Connection) -> None:
    begin_apart()
    log = _to_log(order.extraction)
    try:
        ray = joined(order.address)
        end_when_asked(pipe)
        try:
            for made in _made(ray, order):
                pipe.send(("made", made))
        finally:
            ray.shutdown()
        pipe.send(("through", None))
    except Exception as error:
        cause = _first_cause(error)
        print("".join(traceback.format_exception(error)), file=sys.stderr)
        line = str(cause).strip().splitlines()[0]  # Ray adds others
        said = ("bad input", line) if isinstance(cause, ConfigError) else ("failed", f"{type(cause).__name__}: {line} ({log})")
        with contextlib.suppress(OSError):
            pipe.send(said)


def _to_log(extraction: Extraction) -> Path:
    """What Ray prints, from Python and from below it, out of the way; it is much, even where all goes well."""
    folder = extraction.features.parent
    path = (folder if isinstance(folder, Path) else local_copies()) / "ray.log"
    with path.open("a", encoding="utf-8") as log:
        print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}", file=log, flush=True)
        for output in (1, 2):
            os.dup2(log.fileno(), output)
    return path


def _made(ray: Any, order: _Order) -> Iterator[tuple[int, Shard]]:
    import ray.data
    from ray.data import ActorPoolStrategy, DataContext
    from ray.util.annotations import RayDeprecationWarning

    unit = "CPU" if order.extraction.device == "cpu" else "GPU"
    offered = int(ray.cluster_resources().get(unit, 0))
    if not offered and order.address is None:
        raise ConfigError(f"--device {order.extraction.device}: this machine has no {unit} that Ray sees")
    most = min(order.workers or len(order.numbers), len(order.numbers))
    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.raise_original_map_exception = True
    context.max_consecutive_actor_init_deaths = _TRIES_AGAIN
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)
    shards = ray.data.from_items([{"number": number} for number in order.numbers], override_num_blocks=len(order.numbers))
    pool = ActorPoolStrategy(min_size=1, max_size=most, initial_size=max(1, min(most, offered)), max_tasks_in_flight_per_actor=2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", RayDeprecationWarning)  # 2.60 has no other way to say how often; its own is without end
        made = shards.map_batches(
            ShardMaker, fn_constructor_args=(order.extraction,), batch_size=1, num_cpus=1, num_gpus=1 if unit == "GPU" else None,
            compute=pool, max_task_retries=_TRIES_AGAIN,
        )  # fmt: skip
    for row in made.iter_rows():
        yield row["number"], Shard(rows=row["rows"], bytes=row["bytes"], crc32=row["crc32"])


def _first_cause(error: BaseException) -> BaseException:
    """What went wrong in an actor, which Ray wraps more than once."""
    while (inner := getattr(error, "cause", None) or error.__cause__) is not None and inner is not error:
        error = inner
    return error
