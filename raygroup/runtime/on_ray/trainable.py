"""A pack as Tune knows it: an actor that trains one after the other, and returns at every checkpoint with its scalars."""

import queue
import threading
from typing import Any, cast

from ray import get_runtime_context, tune

from raygroup.files.places import Place
from raygroup.runtime.on_ray.searcher import FAILED
from raygroup.runtime.planning.packs import Placement

_HEAD_PATIENCE_S = 1.0
"""How long a step may wait for the cluster's head, every few seconds."""


def trainable(storage: Place, placement: Placement) -> type[tune.Trainable]:
    """The class for packs of this storage path."""

    class Pack(_Pack):
        where = (storage, placement)

    return Pack


class _Pack(tune.Trainable):
    where: tuple[Place, Placement]

    def setup(self, config: dict[str, Any]) -> None:
        self.folders = config["folders"]
        self.reports: queue.SimpleQueue[dict[str, Any] | BaseException] = queue.SimpleQueue()
        self.begun = False

    def step(self) -> dict[str, Any]:
        """Trains up to the next checkpoint, or to the end of the pack."""
        if not self.begun:
            self.begun = True
            threading.Thread(target=self._train, daemon=True).start()
        said = self.reports.get()
        if isinstance(said, BaseException):
            raise said
        return said

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Nothing: trials keep their own checkpoints."""

    def reset_config(self, config: dict[str, Any]) -> bool:
        """The same process for the next pack: its words and weights are in memory already."""
        self.setup(config)
        return True

    def _train(self) -> None:
        storage, placement = self.where
        try:
            if placement.workers[1] > 1:
                from raygroup.runtime.on_ray.multi_worker import train_together

                failed = train_together(self.config["pack"], self.folders, storage, placement)
            else:
                from raygroup.runtime.attempt.worker import run_pack

                failed = run_pack(self.folders, storage, placement, self.reports.put, node_ends)
        except BaseException as error:
            self.reports.put(error)
        else:
            self.reports.put({FAILED: failed, "done": True})


def node_ends() -> str | None:
    """Why this node is about to go, if it is: Ray drains it, as the watcher of spot notices has it do. A head that does not answer says
    nothing, and must not keep a node that is cut off from training on, or from finding that it was replaced."""
    from ray._private.worker import global_worker
    from ray.exceptions import RayError

    node, worker = get_runtime_context().get_node_id(), cast(Any, global_worker)
    try:
        draining = worker.gcs_client.get_draining_nodes(timeout=_HEAD_PATIENCE_S)
    except RayError:
        return None
    return f"node {node[:12]} is being drained" if node in draining else None
