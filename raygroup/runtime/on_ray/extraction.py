"""Extract word features on Ray with a pool of actors (Ray Data).

Each actor reads the words of a shard and writes its features to the storage path, so neither the
driver nor Ray's object store ever holds features. The driver runs in a child process, which this
process watches.
"""

import logging
import os
import sys
import time
import traceback
import warnings
from collections.abc import Callable, Iterator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from raygroup.errors import ClusterLostError, ConfigError, WorkerDiedError
from raygroup.files.local_copies import copies_folder
from raygroup.runtime.on_ray.channel import BAD_INPUT, NOTE, RESULT, STORAGE_FAILED, Channel, connected_cluster
from raygroup.runtime.on_ray.driver_process import DriverProcess, Limits
from raygroup.runtime.preparation.extraction import ShardMaker, make_shard
from raygroup.runtime.preparation.extraction_plan import Extraction
from raygroup.storage.layout import RAY_LOG_FILE
from raygroup.words.feature_shards import FeatureShard

_SHARD = "shard"
_MAX_RETRIES = 3
"""How often a shard is started again after its actor or node died."""
Columns = dict[str, NDArray[np.int64]]


@dataclass(frozen=True)
class ExtractionOrder:
    """The shards that a driver makes, and where."""

    extraction: Extraction
    numbers: tuple[int, ...]
    address: str | None
    workers: int | None


class ShardActor:
    """An actor of the pool. Ray Data calls it with batches of shard numbers."""

    def __init__(self, extraction: Extraction) -> None:
        # Weights and words are loaded with the first shard: an error here would lose its message.
        self.extraction = extraction

    def __call__(self, batch: Columns) -> Columns:
        """Make the shards of a batch. Returns their numbers and the fields of their records."""
        numbers = batch["number"]
        records = [asdict(make_shard(self.extraction, int(number))) for number in numbers]
        return {"number": numbers, **{key: np.array([record[key] for record in records], np.int64) for key in records[0]}}


def drive(order: ExtractionOrder, channel: Channel, folder: Path | None) -> None:
    """Make the shards of an order, in the child process.

    Sends each shard, and at the end a result or an error.
    """
    log = _redirect_output(order.extraction)
    try:
        with connected_cluster(order.address, folder, channel) as ray:
            for shard in _make_shards(ray, order):
                channel.send(_SHARD, shard)
        channel.send(RESULT)
    except Exception as error:
        cause = _root_cause(error)
        print("".join(traceback.format_exception(error)), file=sys.stderr)
        message = str(cause).strip().splitlines()[0]  # Ray adds lines
        if isinstance(cause, ConfigError):
            channel.send(BAD_INPUT, message)
        else:
            channel.send(STORAGE_FAILED, f"{type(cause).__name__}: {message} ({log})")


def ray_shard_maker(
    address: str | None, workers: int | None = None, limits: Limits | None = None, drive: Any = drive,
    notify: Callable[[str], None] = lambda text: None,
) -> ShardMaker:  # fmt: skip
    """Return a function that makes shards on a Ray cluster.

    ``address`` is that of a running cluster. None starts one for this run. The function uses at
    most ``workers`` actors, or as many as the cluster has room for. ``notify`` gets messages for the user. It raises ConfigError for input
    that cannot be used, OSError if a shard cannot be made, and ClusterLostError if the cluster is
    gone or its head stops answering.
    """

    def make_shards(extraction: Extraction, numbers: Sequence[int]) -> Iterator[tuple[int, FeatureShard]]:
        order = ExtractionOrder(extraction, tuple(numbers), address, workers)
        try:
            with DriverProcess(drive, order, address, limits) as driver:
                for kind, content in driver.messages():
                    if kind == _SHARD:
                        yield content
                    elif kind == NOTE:
                        notify(content)
        except WorkerDiedError as error:
            raise ClusterLostError(str(error)) from error

    return make_shards


def _redirect_output(extraction: Extraction) -> Path:
    """Send everything that Ray prints to a log file.

    Ray prints much even if all goes well, also from its C++ code.
    """
    folder = extraction.features.parent
    path = (folder if isinstance(folder, Path) else copies_folder()) / RAY_LOG_FILE
    with path.open("a", encoding="utf-8") as log:
        print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}", file=log, flush=True)
        for descriptor in (1, 2):
            os.dup2(log.fileno(), descriptor)
    return path


def _make_shards(ray: Any, order: ExtractionOrder) -> Iterator[tuple[int, FeatureShard]]:
    import ray.data
    from ray.data import ActorPoolStrategy
    from ray.util.annotations import RayDeprecationWarning

    device, num_shards = order.extraction.device, len(order.numbers)
    unit = "CPU" if device == "cpu" else "GPU"
    num_units = int(ray.cluster_resources().get(unit, 0))
    if not num_units and order.address is None:
        raise ConfigError(f"--device {device}: Ray finds no {unit} on this machine")
    _configure_ray_data()
    most = min(order.workers or num_shards, num_shards)
    pool = ActorPoolStrategy(min_size=1, max_size=most, initial_size=max(1, min(most, num_units)), max_tasks_in_flight_per_actor=2)
    numbers = ray.data.from_items([{"number": number} for number in order.numbers], override_num_blocks=num_shards)
    with warnings.catch_warnings():
        # Ray 2.60 has no other way to limit retries, and its default has no limit.
        warnings.simplefilter("ignore", RayDeprecationWarning)
        shards = numbers.map_batches(
            ShardActor, fn_constructor_args=(order.extraction,), batch_size=1, num_cpus=1, num_gpus=1 if unit == "GPU" else None,
            compute=pool, max_task_retries=_MAX_RETRIES,
        )  # fmt: skip
    for row in shards.iter_rows():
        yield row["number"], FeatureShard(rows=row["rows"], bytes=row["bytes"], crc32=row["crc32"])


def _configure_ray_data() -> None:
    from ray.data import DataContext

    context = DataContext.get_current()
    context.enable_progress_bars = False
    context.raise_original_map_exception = True
    context.max_consecutive_actor_init_deaths = _MAX_RETRIES
    for name in ("ray.data", "ray"):
        logging.getLogger(name).setLevel(logging.ERROR)


def _root_cause(error: BaseException) -> BaseException:
    """Return the error that an actor raised. Ray wraps it more than once."""
    while (inner := getattr(error, "cause", None) or error.__cause__) is not None and inner is not error:
        error = inner
    return error
