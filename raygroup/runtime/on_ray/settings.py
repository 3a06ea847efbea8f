"""How raygroup starts and joins Ray: closed by default, quiet, and with what is measured about it taken into account."""

import logging
import os
import re
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
    "RAY_TRAIN_HEALTH_CHECK_INTERVAL_S": "0.5",
    "TUNE_DISABLE_AUTO_CALLBACK_LOGGERS": "1",
    "TUNE_DISABLE_SIGINT_HANDLER": "1",
    "TUNE_GLOBAL_CHECKPOINT_S": "1000000",
    "TUNE_WARN_EXCESSIVE_EXPERIMENT_CHECKPOINT_SYNC_THRESHOLD_S": "0",
}
"""Read when ray is imported, so it is set before. The trial's folder is no working directory; histories are not reports; Tune's picture
of the experiment is never read again, so it is not written while trials run."""


DRIVER = "driver"
"""The resource of light actors that only start workers: where a cluster's head offers it, they take no CPU from these."""


def set_environment() -> None:
    """To be called before ray is imported."""
    for name, value in ENVIRONMENT.items():
        os.environ.setdefault(name, value)


def joined(address: str | None, **more: Any) -> Any:
    """The ray module, connected: to the cluster at ``address``, or to one of this process alone, whose dashboard only this machine
    reaches (Ray Train needs it). Raises ConfigError where no cluster answers."""
    set_environment()
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    own: dict[str, Any] = {"include_dashboard": True, "dashboard_host": "127.0.0.1", "resources": {DRIVER: 1000}} if address is None else {}
    try:
        ray.init(address=address or "local", log_to_driver=False, logging_level=logging.ERROR, **own, **more)
    except (ConnectionError, RuntimeError, ValueError) as error:
        if address is None:
            raise
        raise ConfigError(f"--address {address}: no Ray cluster answers there: {str(error).splitlines()[0]}") from error
    own_token_alone()
    return ray


def own_token_alone() -> None:
    """Ray makes the token file readable by everyone who can reach it (facts: world-readable); its owner alone should."""
    token = Path(os.environ.get("RAY_AUTH_TOKEN_PATH", Path.home() / ".ray" / "auth_token"))
    if token.is_file() and token.stat().st_uid == os.getuid():
        token.chmod(stat.S_IRUSR | stat.S_IWUSR)


def accepted(cluster: dict[str, Any]) -> tuple[str, str] | None:
    """Where and why Ray's own schema refuses a file for ``ray up``; None where it does not. What Ray prints meanwhile is not shown."""
    import contextlib
    import copy
    import io

    from jsonschema import ValidationError
    from ray.autoscaler._private.util import prepare_config, validate_config

    logging.getLogger("ray").setLevel(logging.ERROR)  # importing ray sets it
    try:
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            validate_config(prepare_config(copy.deepcopy(cluster)))
    except ValidationError as error:
        if error.validator == "additionalProperties":
            return None  # an unknown key, which the rules name with the one that was meant
        return ".".join(map(str, error.absolute_path)) or "file", error.message
    except Exception as error:
        named = re.search(r"`(\w+)`", str(error))
        return named[1] if named else "file", f"{type(error).__name__}: {error}"
    return None
