"""A pack as a Trainable of Tune.

It is an actor that returns at every checkpoint with its scalars. It may train one pack after
another.
"""

import queue
import threading
from typing import Any

from ray import tune

from raygroup.files.places import Place
from raygroup.runtime.on_ray.drain import drain_reason
from raygroup.runtime.on_ray.settings import FAILED_KEY
from raygroup.runtime.placement import Placement
from raygroup.runtime.processes import give_way


def pack_trainable(storage: Place, placement: Placement, first: str | None = None) -> type[tune.Trainable]:
    """Return the Trainable class for packs of a storage path. All but the ``first`` pack give way to it."""

    class Pack(_PackTrainable):
        context = (storage, placement)
        first_pack = first

    return Pack


def withhold_credentials() -> None:
    """Keep Tune from copying secrets into runtime environments, which Ray logs in clear.

    Workers on this machine inherit them. On a cluster, a role or a profile of the node gives them.
    """
    from ray.tune.execution import class_cache

    class_cache.ENV_VARS_TO_PROPAGATE -= {name for name in class_cache.ENV_VARS_TO_PROPAGATE if name.startswith("AWS_")}


class _PackTrainable(tune.Trainable):
    context: tuple[Place, Placement]
    first_pack: str | None = None

    def setup(self, config: dict[str, Any]) -> None:
        self.folders = config["folders"]
        self.reports: queue.SimpleQueue[dict[str, Any] | BaseException] = queue.SimpleQueue()
        self.is_training = False

    def step(self) -> dict[str, Any]:
        """Train up to the next checkpoint, or to the end of the pack."""
        if not self.is_training:
            self.is_training = True
            threading.Thread(target=self._train, daemon=True).start()
        report = self.reports.get()
        if isinstance(report, BaseException):
            raise report
        return report

    def save_checkpoint(self, checkpoint_dir: str) -> None:
        """Do nothing: trials keep their own checkpoints."""

    def reset_config(self, config: dict[str, Any]) -> bool:
        """Reuse this process for the next pack. Its words and weights are in memory already."""
        self.setup(config)
        return True

    def _train(self) -> None:
        storage, placement = self.context
        if self.first_pack not in (None, self.config["pack"]):
            give_way()
        try:
            if placement.workers[1] > 1:
                from raygroup.runtime.on_ray.multi_worker import train_on_workers

                failed = train_on_workers(self.config["pack"], self.folders, storage, placement)
            else:
                from raygroup.runtime.attempt.worker import run_pack

                failed = run_pack(self.folders, storage, placement, self.reports.put, drain_reason)
        except BaseException as error:
            self.reports.put(error)
        else:
            self.reports.put({FAILED_KEY: failed, "done": True})
