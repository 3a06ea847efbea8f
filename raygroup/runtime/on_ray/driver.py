"""The driver of a run on Ray: Tune schedules packs over the cluster, this hands them to it one by one and keeps account."""

import contextlib
import logging
import tempfile
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Sequence
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.local_copies import local_copies
from raygroup.files.places import Place
from raygroup.runtime.on_ray.driver_process import end_when_asked
from raygroup.runtime.on_ray.launcher import Order
from raygroup.runtime.on_ray.multi_worker import require_room, workers_room
from raygroup.runtime.on_ray.settings import DRIVER, joined
from raygroup.runtime.pack_queue import PackQueue
from raygroup.runtime.planning.plan import at_once

_BEAT_S = 2.0


def drive(order: Order, pipe: Connection) -> None:
    """Does the order and says through the pipe what happens: (kind, content). An "end" from the other side ends it."""
    events = _Events(pipe)
    try:
        ray = joined(order.address)
        ended = _follow_head(ray, events)
        end_when_asked(pipe)
        try:
            events.send("failed", _tuned(ray, order, events))
        except Exception:
            if not _node_lives(ray):
                events.send("lost", "no longer answers")
            raise
        finally:
            ended.set()
            ray.shutdown()
    except ConfigError as error:
        events.send("bad input", str(error))
    except OSError as error:
        events.send("storage failed", str(error))
    except Exception as error:
        events.send("crashed", "".join(traceback.format_exception(error)))


class _Events:
    """What the watching process is told; from any thread."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe, self.lock = pipe, threading.Lock()

    def send(self, kind: str, content: Any) -> None:
        with self.lock, contextlib.suppress(OSError):
            self.pipe.send((kind, content))

    def started(self, ids: Sequence[str]) -> None:
        self.send("started", list(ids))

    def ended(self, ids: Sequence[str]) -> None:
        self.send("ended", list(ids))

    def said(self, text: str) -> None:
        self.send("said", text)


def _follow_head(ray: Any, events: _Events) -> threading.Event:
    """Sends a beat for every answer of the cluster's head; one that no longer knows this machine's node is as good as gone: it would
    schedule nothing here, and say nothing of it."""
    ended = threading.Event()

    def follow() -> None:
        while not ended.wait(_BEAT_S):
            alive = _node_lives(ray)
            if alive is False:
                events.send("lost", "no longer counts this machine among its nodes")
            elif alive:  # the other side counts the answers that do not come
                events.send("beat", None)

    events.send("beat", None)
    threading.Thread(target=follow, daemon=True).start()
    return ended


def _node_lives(ray: Any) -> bool | None:
    """Whether the cluster's head counts this machine's node as alive; None where it does not answer."""
    from ray._raylet import NodeID

    try:
        node = NodeID.from_hex(ray.get_runtime_context().get_node_id())
        return bool(ray._private.worker.global_worker.gcs_client.check_alive([node], timeout=5)[0])
    except Exception:
        return None


def _tuned(ray: Any, order: Order, events: _Events) -> dict[str, str]:
    from ray import tune

    from raygroup.runtime.on_ray.searcher import Account, Feed
    from raygroup.runtime.on_ray.trainable import trainable

    queue = PackQueue(order.packs, order.storage, events, order.placement.storage_patience_s)
    resources, room = _room(ray, order, events)
    feed = Feed(queue, room)
    reused = order.placement.device == "cpu" and order.placement.workers[1] == 1  # a process that saw a GPU fail is of no use
    train = tune.with_resources(trainable(order.storage, order.placement), resources)
    with _scheduler_folder() as folder, _log(queue.sweep_folder):
        tuner = tune.Tuner(
            train,
            tune_config=tune.TuneConfig(search_alg=feed, num_samples=-1, reuse_actors=reused),
            run_config=tune.RunConfig(name="tune", storage_path=str(folder), verbose=0, callbacks=[Account(feed)]),
        )
        tuner.fit()
    return queue.failed


def _room(ray: Any, order: Order, events: _Events) -> tuple[dict[str, float], Callable[[], int]]:
    """What a pack asks Ray for, and how many packs there is room for, which changes as nodes come and go.

    A pack of one worker is that worker, so Ray itself sees whether it fits, and packs that wait tell an autoscaler what is needed. A pack
    of several is a light actor that has Ray Train start them; were there too many of these, none might find room for all its workers.
    """
    placement, cluster, own = order.placement, ray.cluster_resources(), order.address is None
    if placement.device == "cuda" and cluster.get("GPU", 0) < 1 and own:
        raise ConfigError("--device cuda: this machine has no GPU that Ray sees")
    if placement.workers[1] > 1:
        require_room(cluster, placement, own, events.said)
        light = {DRIVER: 1.0} if cluster.get(DRIVER) else {"CPU": 0.01}
        return light, lambda: workers_room(ray.cluster_resources(), placement)
    if placement.device == "cuda":
        return {"CPU": 1.0, "GPU": 1.0}, lambda: len(order.packs)
    if not own:
        return {"CPU": 1.0}, lambda: len(order.packs)
    cores = int(cluster.get("CPU", 1))
    return {"CPU": min(1.0, int(1e4 * cores / at_once(len(order.packs), cores)) / 1e4)}, lambda: len(order.packs)


@contextlib.contextmanager
def _scheduler_folder() -> Iterator[Path]:
    """Where Tune keeps its own state, pickles among it, which raygroup never reads: it goes with this process."""
    with tempfile.TemporaryDirectory(prefix="raygroup-tune-") as folder:
        yield Path(folder)


@contextlib.contextmanager
def _log(sweep_folder: Place) -> Iterator[None]:
    """What Tune prints, out of the way: a node that is lost is no error to show the user a traceback of."""
    path = (sweep_folder if isinstance(sweep_folder, Path) else local_copies()) / "tune.log"
    tune = logging.getLogger("ray.tune")
    with path.open("a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        print(f"--- {time.strftime('%Y-%m-%d %H:%M:%S')}")
        handler, tune.propagate = logging.StreamHandler(log), False
        tune.addHandler(handler)
        try:
            yield
        finally:
            tune.removeHandler(handler)
