"""Train one pack on several workers, which Ray Train starts.

All workers run the same code, each on its share of the words. Trials resume from their own
checkpoints, with any number of workers, so Train neither keeps checkpoints nor retries. When one
worker dies, all of them end and the pack goes back to the queue.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.runtime.attempt.session import Failures
from raygroup.runtime.on_ray.drain import drain_reason
from raygroup.runtime.on_ray.settings import DRIVER_RESOURCE, FAILED_KEY
from raygroup.runtime.placement import Placement
from raygroup.storage.layout import CACHE_FOLDER, TRAIN_FOLDER

_ADDRESS_VARIABLE = "RAY_ADDRESS"
_GRACE_S = 120
_WEEK_S = 7 * 24 * 3600


def train_on_workers(name: str, folders: Sequence[Place], storage: Place, placement: Placement) -> Failures:
    """Train a pack on several workers and return why trials failed.

    The number of workers is the largest in the placement's range that fits. The function runs in a
    light actor of Tune. Raises the error that ended the workers.
    """
    from ray import train
    from ray.train.torch import TorchConfig, TorchTrainer

    _propagate_address()
    fewest, most = placement.workers
    on_gpu = placement.device == "cuda"
    # A hung collective is the watchdog's to end, which also writes the stacks; this limit only comes after it.
    limit_s = int(placement.stall_timeout_s) + _GRACE_S if placement.stall_timeout_s else _WEEK_S
    trainer = TorchTrainer(
        _run_worker,
        train_loop_config={"folders": list(folders), "storage": storage, "placement": placement},
        scaling_config=train.ScalingConfig(
            num_workers=most if fewest == most else (fewest, most),  # type: ignore[arg-type]  # the range is Train V2's
            use_gpu=on_gpu, resources_per_worker={"CPU": 1.0}
        ),
        torch_config=TorchConfig(backend="nccl" if on_gpu else "gloo", timeout_s=limit_s),
        run_config=train.RunConfig(name=name, **_train_storage(storage), failure_config=train.FailureConfig(max_failures=0)),
    )  # fmt: skip
    metrics = trainer.fit().metrics or {}
    return dict(metrics.get(FAILED_KEY, {}))


def num_packs_at_once(cluster: dict[str, float], placement: Placement) -> int:
    """Return how many packs a cluster can train at a time.

    ``cluster`` has its resources. The result is at least 1: if nothing fits, one pack waits for
    nodes. Unless the cluster offers ``DRIVER_RESOURCE``, a light actor takes a hundredth of a CPU.
    """
    light = {} if cluster.get(DRIVER_RESOURCE) else {"CPU": 0.01}
    fits = (
        int(cluster.get(kind, 0) // (amount * placement.workers[0] + light.get(kind, 0)))
        for kind, amount in _worker_resources(placement).items()
    )
    return max(1, min(fits))


def require_room(cluster: dict[str, float], placement: Placement, is_own_cluster: bool, notify: Callable[[str], None]) -> None:
    """Raise ConfigError if this machine is too small for one pack.

    A larger cluster may still grow. If it has too few nodes now, ``notify`` gets a message.
    """
    fewest = placement.workers[0]
    lacking = [
        f"{amount * fewest:g} {kind}, it has {cluster.get(kind, 0):g}"
        for kind, amount in _worker_resources(placement).items()
        if cluster.get(kind, 0) < amount * fewest
    ]
    if lacking and is_own_cluster:
        raise ConfigError(f"--workers {fewest}: this machine is too small: a pack needs {' and '.join(lacking)}")
    if lacking:
        notify(f"waiting for nodes: a pack of {fewest} workers needs {' and '.join(lacking)} in the cluster now")


def _worker_resources(placement: Placement) -> dict[str, float]:
    return {"CPU": 1.0, "GPU": 1.0} if placement.device == "cuda" else {"CPU": 1.0}


def _run_worker(config: dict[str, Any]) -> None:
    """Run one worker of a pack. Every rank reports the same failures."""
    from ray import train

    from raygroup.runtime.attempt.worker import run_pack
    from raygroup.runtime.attempt.worker_group import WorkerGroup
    from raygroup.training.packs.sharding import WorkerRank

    context = train.get_context()
    group = WorkerGroup(WorkerRank(context.get_world_rank(), context.get_world_size()))
    failed = run_pack(config["folders"], config["storage"], config["placement"], drain_reason=drain_reason, group=group)
    train.report({FAILED_KEY: failed})


def _train_storage(storage: Place) -> dict[str, Any]:
    """Return where Train keeps the state of a run. All nodes must see it."""
    if isinstance(storage, Path):
        return {"storage_path": str(storage / CACHE_FOLDER / TRAIN_FOLDER)}
    return {"storage_path": f"{storage.key}/{CACHE_FOLDER}/{TRAIN_FOLDER}", "storage_filesystem": storage.filesystem.native}


def _propagate_address() -> None:
    """Give Train's own processes the address of the cluster.

    They query the cluster for its state. If two clusters run on one machine, they find neither without
    an address.
    """
    import ray
    from ray.train.v2._internal import constants

    os.environ[_ADDRESS_VARIABLE] = ray.get_runtime_context().gcs_address
    constants.ENV_VARS_TO_PROPAGATE.add(_ADDRESS_VARIABLE)
