"""Several workers for one pack: Ray Train starts them and their process group, each runs the same worker code on its share of the words.

Resuming is the trials' own affair, from their own checkpoints, so it is the same for any number of workers; Train neither keeps
checkpoints nor tries again. When a worker dies all of them end, and the pack goes back to the queue.
"""

import os
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.places import Place
from raygroup.runtime.attempt.session import Failures
from raygroup.runtime.on_ray.settings import DRIVER
from raygroup.runtime.planning.packs import Placement
from raygroup.storage.sweeps import CACHE

_KNOWN = "RAY_ADDRESS"


def train_together(name: str, folders: Sequence[Place], storage: Place, placement: Placement) -> Failures:
    """Trains a pack on as many workers as the placement asks for, within its range as many as the cluster has room for; why trials
    failed. Called in a light actor of Tune. Raises what ended the workers."""
    from ray import train
    from ray.train.torch import TorchConfig, TorchTrainer

    _know_the_cluster()
    fewest, most = placement.workers
    on_gpu = placement.device == "cuda"
    limit_s = int(placement.stall_timeout_s + 120) if placement.stall_timeout_s else 7 * 24 * 3600
    trainer = TorchTrainer(
        _work,
        train_loop_config={"folders": list(folders), "storage": storage, "placement": placement},
        scaling_config=train.ScalingConfig(
            num_workers=most if fewest == most else (fewest, most),  # type: ignore[arg-type]  # the range is Train V2's
            use_gpu=on_gpu, resources_per_worker={"CPU": 1.0}
        ),
        torch_config=TorchConfig(backend="nccl" if on_gpu else "gloo", timeout_s=limit_s),
        run_config=train.RunConfig(name=name, **_storage(storage), failure_config=train.FailureConfig(max_failures=0)),
    )  # fmt: skip
    metrics = trainer.fit().metrics or {}
    return dict(metrics.get("failed", {}))


def workers_room(cluster: dict[str, float], placement: Placement) -> int:
    """How many packs a cluster with these resources can train at a time; one at least, which then waits for nodes.

    Where the head offers no ``driver`` resource, a light actor takes a hundredth of a CPU, and so much is left out.
    """
    spare = {} if cluster.get(DRIVER) else {"CPU": 0.01}
    most = (int(cluster.get(kind, 0) // (share * placement.workers[0] + spare.get(kind, 0))) for kind, share in _share(placement).items())
    return max(1, min(most))


def require_room(cluster: dict[str, float], placement: Placement, own: bool, said: Callable[[str], None]) -> None:
    """Raises ConfigError where this machine can never start the workers of one pack; of a cluster that cannot now, ``said`` is told."""
    lacking = [f"{fewest:g} {kind}, it has {cluster.get(kind, 0):g}" for kind, share in _share(placement).items()
               if cluster.get(kind, 0) < (fewest := share * placement.workers[0])]  # fmt: skip
    if lacking and own:
        raise ConfigError(f"--workers {placement.workers[0]}: this machine is too small: a pack needs {' and '.join(lacking)}")
    if lacking:
        said(f"waiting for nodes: a pack of {placement.workers[0]} workers needs {' and '.join(lacking)} in the cluster now")


def _share(placement: Placement) -> dict[str, float]:
    """What one worker takes."""
    return {"CPU": 1.0, "GPU": 1.0} if placement.device == "cuda" else {"CPU": 1.0}


def _work(config: dict[str, Any]) -> None:
    """One worker; every rank comes to the same end."""
    from ray import train

    from raygroup.runtime.attempt.worker import run_pack
    from raygroup.runtime.attempt.worker_group import Team
    from raygroup.runtime.on_ray.trainable import node_ends
    from raygroup.training.packs.sharding import Shard

    context = train.get_context()
    team = Team(Shard(context.get_world_rank(), context.get_world_size()))
    failed = run_pack(config["folders"], config["storage"], config["placement"], notice=node_ends, team=team)
    train.report({"failed": failed})


def _storage(storage: Place) -> dict[str, Any]:
    """Where Train keeps what it knows of a run; all nodes must see it."""
    if isinstance(storage, Path):
        return {"storage_path": str(storage / CACHE / "train")}
    return {"storage_path": f"{storage.key}/{CACHE}/train", "storage_filesystem": storage.files}


def _know_the_cluster() -> None:
    """Train's own processes ask the cluster for its state, and find none where two of them run on one machine and nobody says which."""
    import ray
    from ray.train.v2._internal import constants

    os.environ[_KNOWN] = ray.get_runtime_context().gcs_address
    constants.ENV_VARS_TO_PROPAGATE.add(_KNOWN)
