"""On Ray: Tune schedules the trials on this machine or a cluster; what each is and whether it is done stays with the ledger."""

import contextlib
import logging
import os
import stat
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raygroup.runtime.plan import Job, at_once

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


def run_jobs(jobs: Sequence[Job], storage: Path, address: str | None = None, device: str = "cpu") -> dict[str, str]:
    """Trains the jobs; the reason of each that failed, by id. ``address`` joins a running cluster; None starts one in this process."""
    for name, value in _QUIET.items():
        os.environ.setdefault(name, value)
    import ray
    from ray import tune

    logging.getLogger("ray").setLevel(logging.ERROR)
    started = address is None
    own: dict[str, Any] = {"include_dashboard": True, "dashboard_host": "127.0.0.1"} if started else {}
    ray.init(
        address=address or "local", log_to_driver=False, logging_level=logging.ERROR,
        **own,
    )  # fmt: skip
    _own_token_alone()
    try:
        return _tuned(ray, tune, jobs, storage, device)
    finally:
        if started:
            ray.shutdown()


def _tuned(ray: Any, tune: Any, jobs: Sequence[Job], storage: Path, device: str) -> dict[str, str]:
    folders = {job.id: str(job.folder) for job in jobs}

    def train(config: dict[str, Any]) -> None:
        from raygroup.runtime.worker import run_trial

        reason = run_trial(Path(folders[config["id"]]), storage, device, tune.report)
        tune.report({"failed": reason or ""})

    cores = int(ray.cluster_resources().get("CPU", 1))
    share = min(1.0, int(1e4 * cores / at_once(len(jobs), cores)) / 1e4)
    resources = {"CPU": share} if device == "cpu" else {"CPU": 1.0, "GPU": 1.0}
    tuner = tune.Tuner(
        tune.with_resources(train, resources),
        param_space={"id": tune.grid_search([job.id for job in jobs])},
        tune_config=tune.TuneConfig(reuse_actors=True),
        run_config=tune.RunConfig(
            name="tune", storage_path=str(jobs[0].folder.parent), verbose=0, failure_config=tune.FailureConfig(max_failures=_RETRIES)
        ),
    )
    failed = {}
    with (jobs[0].folder.parent / "tune.log").open("a", encoding="utf-8") as log, contextlib.redirect_stdout(log):
        results = tuner.fit()
    for result in results:
        reason = f"{result.error}".strip().splitlines()[-1] if result.error else (result.metrics or {}).get("failed", "")
        if reason:
            failed[(result.config or {})["id"]] = reason
    return failed


def _own_token_alone() -> None:
    """Ray makes the token file readable by everyone who can reach it (facts: world-readable); its owner alone should."""
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    if token.is_file() and token.stat().st_uid == os.getuid():
        token.chmod(stat.S_IRUSR | stat.S_IWUSR)
