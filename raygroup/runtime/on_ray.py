"""On Ray: Tune schedules the trials on this machine or a cluster; what each is and whether it is done stays with the ledger."""

import contextlib
import json
import logging
import os
import stat
import tempfile
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from raygroup.config import ConfigError
from raygroup.runtime.packs import ON_CPU, PackedJobs, Placement
from raygroup.runtime.plan import at_once

_QUIET = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "RAY_TRAIN_V2_ENABLED": "1",
}
"""Read when ray is imported, so they are set before. The trial's folder is no working directory; histories are not reports."""
_RETRIES = 3


def run_packs(packs: Sequence[PackedJobs], storage: Path, address: str | None = None, placement: Placement = ON_CPU) -> dict[str, str]:
    """Trains the packs; the reason of each trial that failed, by id. ``address`` joins a running cluster; None starts one in this
    process."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import ray
    from ray import tune

    logging.getLogger("ray").setLevel(logging.ERROR)
    own: dict[str, Any] = {"include_dashboard": True, "dashboard_host": "127.0.0.1"} if address is None else {}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **own)
    except ConnectionError as error:
        raise ConfigError(f"--address {address}: no Ray cluster answers there: {error}") from error
    _own_token_alone()
    try:
        resources = _resources(ray.cluster_resources(), len(packs), placement.device)  # type: ignore[no-untyped-call]
        with _scheduler_folder(storage, address) as folder:
            return _tuned(tune, packs, storage, placement, resources, folder)
    finally:
        ray.shutdown()


def _tuned(
    tune: Any, packs: Sequence[PackedJobs], storage: Path, placement: Placement, resources: dict[str, float], folder: Path
) -> dict[str, str]:
    """Tune's trials are our packs."""
    folders = {pack.id: [str(job.folder) for job in pack.jobs] for pack in packs}

    def train(config: dict[str, Any]) -> None:
        from raygroup.runtime.worker import run_pack

        failed = run_pack([Path(folder) for folder in folders[config["id"]]], storage, placement, tune.report)
        tune.report({"failed": json.dumps(failed)})

    tuner = tune.Tuner(
        tune.with_resources(train, resources),
        param_space={"id": tune.grid_search([pack.id for pack in packs])},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="tune", storage_path=str(folder), verbose=0, failure_config=tune.FailureConfig(max_failures=_RETRIES)
        ),
    )
    failed: dict[str, str] = {}
    with (packs[0].jobs[0].folder.parent / "tune.log").open("a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        results = tuner.fit()
    by_id = {pack.id: pack for pack in packs}
    for result in results:
        if result.error:
            reason = (str(result.error).strip() or "killed").splitlines()[-1]
            failed |= {job.id: reason for job in by_id[(result.config or {})["id"]].jobs if not job.done}
        else:
            failed |= json.loads((result.metrics or {}).get("failed", "{}"))
    return failed


def _resources(cluster: dict[str, float], packs: int, device: str) -> dict[str, float]:
    """What a pack asks for: a GPU, or its share of the cores."""
    if device == "cuda":
        if cluster.get("GPU", 0) < 1:
            raise ConfigError("--device cuda: the Ray cluster has no GPU")
        return {"CPU": 1.0, "GPU": 1.0}
    cores = int(cluster.get("CPU", 1))
    return {"CPU": min(1.0, int(1e4 * cores / at_once(packs, cores)) / 1e4)}


@contextlib.contextmanager
def _scheduler_folder(storage: Path, address: str | None) -> Iterator[Path]:
    """Where Tune keeps its own state, which raygroup never reads: on this machine a folder that goes, on a cluster one all nodes see."""
    if address is not None:
        yield storage
        return
    with tempfile.TemporaryDirectory(prefix="raygroup-tune-") as folder:
        yield Path(folder)


def _own_token_alone() -> None:
    """Ray makes the token file readable by everyone who can reach it (facts: world-readable); its owner alone should."""
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    if token.is_file() and token.stat().st_uid == os.getuid():
        token.chmod(stat.S_IRUSR | stat.S_IWUSR)
