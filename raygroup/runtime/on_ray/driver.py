"""The driver of a sweep on Ray.

Tune schedules packs over the cluster, and a searcher hands them over one by one.
"""

import contextlib
import logging
import tempfile
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.local_copies import copies_folder
from raygroup.files.places import Place
from raygroup.runtime.on_ray.channel import BAD_INPUT, CRASHED, NOTE, RESULT, STORAGE_FAILED, Channel, connected_cluster
from raygroup.runtime.on_ray.multi_worker import num_packs_at_once, require_room
from raygroup.runtime.on_ray.settings import DRIVER_RESOURCE
from raygroup.runtime.pack_queue import PackQueue
from raygroup.runtime.placement import Placement, goes_first, num_parallel_trials
from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.planning.packs import JobPack, PackSource
from raygroup.storage.layout import TUNE_LOG_FILE

STARTED, ENDED, MORE = "started", "ended", "more"
"""Kinds of messages for a RunListener in the watching process."""
_MOST_PACKS = 1000
"""Most packs of a source that run or wait on a cluster at a time."""


@dataclass(frozen=True)
class Order:
    """The packs that a driver trains, and where."""

    packs: tuple[JobPack, ...]
    storage: Place
    placement: Placement
    address: str | None
    source: PackSource | None = None
    """Decides in the driver what else to train. It must not have been asked before."""


class ChannelListener:
    """A RunListener that passes each call on to the watching process."""

    def __init__(self, channel: Channel) -> None:
        self.channel = channel

    def on_start(self, ids: Sequence[str]) -> None:
        self.channel.send(STARTED, list(ids))

    def on_end(self, ids: Sequence[str]) -> None:
        self.channel.send(ENDED, list(ids))

    def on_message(self, text: str) -> None:
        self.channel.send(NOTE, text)

    def on_more(self, jobs: Sequence[Job]) -> None:
        self.channel.send(MORE, list(jobs))


def drive(order: Order, channel: Channel, folder: Path | None) -> None:
    """Train the packs of an order. The last message is the result, or why there is none.

    The result is the reason of each trial that failed, by id.
    """
    try:
        with connected_cluster(order.address, folder, channel) as ray:
            channel.send(RESULT, _train(ray, order, ChannelListener(channel), folder))
    except ConfigError as error:
        channel.send(BAD_INPUT, str(error))
    except OSError as error:
        channel.send(STORAGE_FAILED, str(error))
    except Exception as error:
        channel.send(CRASHED, "".join(traceback.format_exception(error)))


def _train(ray: Any, order: Order, listener: ChannelListener, parent: Path | None) -> dict[str, str]:
    from ray import tune

    from raygroup.runtime.on_ray.searcher import PackCallback, PackSearcher
    from raygroup.runtime.on_ray.trainable import pack_trainable, withhold_credentials

    withhold_credentials()
    placement = order.placement
    queue = PackQueue(order.packs, order.storage, listener, placement.storage_patience_s, order.source)
    resources, room = _resources_and_room(ray, order, listener)
    searcher = PackSearcher(queue, room)
    reuse = placement.device == "cpu" and placement.workers[1] == 1  # a process that saw a GPU fail cannot be used again
    trainable = tune.with_resources(pack_trainable(order.storage, placement, _first_pack(ray, order)), resources)
    with _tune_folder(parent) as folder, _output_to_log(queue.sweep_folder):
        tuner = tune.Tuner(
            trainable,
            tune_config=tune.TuneConfig(search_alg=searcher, num_samples=-1, reuse_actors=reuse),
            run_config=tune.RunConfig(name="tune", storage_path=str(folder), verbose=0, callbacks=[PackCallback(searcher)]),
        )
        tuner.fit()
    return queue.failed


def _resources_and_room(ray: Any, order: Order, listener: ChannelListener) -> tuple[dict[str, float], Callable[[], int]]:
    """Return the resources of one pack, and the room for packs.

    The room is a function that returns how many packs may run or wait now.

    A pack of one worker is that worker. Ray sees whether it fits, and waiting packs tell an
    autoscaler what is needed. A pack of several workers is a light actor that lets Ray Train start
    them. With too many of these actors, no pack might get all its workers, so their number is
    limited to what the cluster can train now.
    """
    placement, cluster = order.placement, ray.cluster_resources()
    is_own_cluster = order.address is None
    if placement.device == "cuda" and cluster.get("GPU", 0) < 1 and is_own_cluster:
        raise ConfigError("--device cuda: Ray finds no GPU on this machine")
    if placement.workers[1] > 1:
        require_room(cluster, placement, is_own_cluster, listener.on_message)
        light = {DRIVER_RESOURCE: 1.0} if cluster.get(DRIVER_RESOURCE) else {"CPU": 0.01}
        return light, lambda: num_packs_at_once(ray.cluster_resources(), placement)
    num_packs = _MOST_PACKS if order.source else len(order.packs)
    if placement.device == "cuda":
        return {"CPU": 1.0, "GPU": 1.0}, lambda: num_packs
    if not is_own_cluster:
        return {"CPU": 1.0}, lambda: num_packs
    cores = int(cluster.get("CPU", 1))
    if order.source:
        return {"CPU": 1.0}, lambda: cores
    # Ray counts resources in steps of 1e-4, so the share of a core is rounded down to that.
    share = int(1e4 * cores / num_parallel_trials(num_packs, cores)) / 1e4
    return {"CPU": min(1.0, share)}, lambda: num_packs


def _first_pack(ray: Any, order: Order) -> str | None:
    """Return the pack that gets a core of its own on this machine. A cluster has its own schedule."""
    if order.source or order.address is not None or order.placement.device != "cpu" or order.placement.workers[1] > 1:
        return None
    return goes_first(order.packs[0].id, len(order.packs), int(ray.cluster_resources().get("CPU", 1)))


@contextlib.contextmanager
def _tune_folder(parent: Path | None) -> Iterator[Path]:
    """Yield a folder for Tune's own state, below ``parent`` if there is one.

    It holds pickles, which raygroup never reads, so it is deleted at the end.
    """
    with tempfile.TemporaryDirectory(prefix="raygroup-tune-", dir=parent) as folder:
        yield Path(folder)


@contextlib.contextmanager
def _output_to_log(sweep_folder: Place) -> Iterator[None]:
    """Write Tune's output to a log file. A lost node is no error whose traceback a user should see."""
    path = (sweep_folder if isinstance(sweep_folder, Path) else copies_folder()) / TUNE_LOG_FILE
    tune = logging.getLogger("ray.tune")
    with path.open("a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}")
        handler = logging.StreamHandler(log)
        tune.propagate = False
        tune.addHandler(handler)
        try:
            yield
        finally:
            tune.removeHandler(handler)
