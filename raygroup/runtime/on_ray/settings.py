"""Start Ray or connect to it.

A cluster of raygroup is closed to other users and prints nothing. The environment variables follow
from our measurements.
"""

import logging
import os
import stat
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError

ENVIRONMENT = {
    "RAY_AUTH_MODE": "token",
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_ACCEL_ENV_VAR_OVERRIDE_ON_ZERO": "0",
    "RAY_CHDIR_TO_TRIAL_DIR": "0",
    "RAY_TRAIN_V2_ENABLED": "1",
    "RAY_worker_niceness": "5",
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
"""Environment variables that Ray reads when it is imported.

A worker stays in its working directory, and histories do not travel through reports. Its priority
leaves room below for those that give way to the first trial (``processes.give_way``). Tune's
snapshot of the experiment is never read, so it is not written during training.
"""

FAILED_KEY = "failed"
"""The key under which the result of a pack holds the reasons of failed trials, by id."""
DRIVER_RESOURCE = "driver"
"""The resource of light actors that only start workers.

If a cluster's head offers it, these actors take no CPU from the workers.
"""


def set_environment() -> None:
    """Set the variables of ``ENVIRONMENT``, before ray is imported. Values that a user has set stay."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def connect(address: str | None, **options: Any) -> Any:
    """Connect to the cluster at ``address`` and return the ray module.

    None starts a cluster for this process alone. Ray Train needs its dashboard, which only this
    machine can reach. Raises ConfigError if no cluster answers at the address.
    """
    set_environment()
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    if address is None:
        options |= {"include_dashboard": True, "dashboard_host": "127.0.0.1", "resources": {DRIVER_RESOURCE: 1000}}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **options)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address is None:
            raise
        raise ConfigError(f"--address {address}: no Ray cluster answers there: {str(error).splitlines()[0]}") from error
    restrict_token_file()
    return ray


def restrict_token_file() -> None:
    """Let only its owner read Ray's token file. Ray itself creates it readable by everyone."""
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    if token.is_file() and token.stat().st_uid == os.getuid():
        token.chmod(stat.S_IRUSR | stat.S_IWUSR)
