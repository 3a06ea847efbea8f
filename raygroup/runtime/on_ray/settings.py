"""Start Ray or connect to it.

A cluster of raygroup is closed to other users and prints nothing. The environment variables follow
from our measurements.
"""

import contextlib
import logging
import os
import socket
import tempfile
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from raygroup.errors import ClusterLostError, ConfigError, RayStartError
from raygroup.runtime.on_ray.auth_token import refusal_text
from raygroup.runtime.on_ray.session_folder import ray_options, shorten_temporary_folder

_CONNECT_S = 5.0
_STDERR = 2
_REFUSED_TOKEN = "InvalidAuthToken"
"""What Ray's core says if a token is wrong. Its Python side says only that it failed to connect."""
_CITED_LOG = "The last "
_MAX_REASON = 150
"""Longest reason from Ray in a message, in characters."""

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


def start_ray(folder: Path) -> Any:
    """Start Ray on this machine for this process alone, and return the ray module.

    All its files lie in ``folder``, and only this machine can reach it. Ray Train needs its dashboard. Raises RayStartError.
    """
    set_environment()
    # Without clusters of several nodes, Ray listens on the loopback interface only.
    os.environ.setdefault("RAY_ENABLE_WINDOWS_OR_OSX_CLUSTER", "0")
    shorten_temporary_folder(folder)
    import ray

    logging.getLogger("ray").setLevel(logging.ERROR)
    logging.getLogger("ray._private.services").setLevel(logging.CRITICAL)  # what it would print is raised too
    try:
        ray.init(
            address="local", log_to_driver=False, logging_level=logging.ERROR, include_dashboard=True, dashboard_host="127.0.0.1",
            resources={DRIVER_RESOURCE: 1000}, **ray_options(folder),
        )  # fmt: skip
    except Exception as error:  # Ray raises a plain Exception if it times out
        raise RayStartError(start_reason(error)) from error
    return ray


def start_reason(error: BaseException) -> str:
    """Return why Ray did not start, in one line. If its dashboard failed, Ray cites the end of a log."""
    lines = str(error).strip().splitlines()
    if lines and lines[0].startswith(_CITED_LOG):
        return _shortened(f"its dashboard did not start: {lines[-1]}")
    return first_line(error)


def join_cluster(address: str, on_import: Callable[[], None]) -> Any:
    """Join the cluster at ``address`` and return the ray module.

    ``on_import`` is called before the cluster is asked. Raises ConfigError if the address or the token cannot be right, and
    ClusterLostError if no cluster answers.
    """
    set_environment()
    import ray
    from ray.exceptions import AuthenticationError

    logging.getLogger("ray").setLevel(logging.ERROR)
    on_import()
    core_log: list[str] = []
    try:
        _require_listening(address)
        with _stderr_kept(core_log):
            ray.init(address=address, log_to_driver=False, logging_level=logging.ERROR)
    except (OSError, ray.exceptions.RpcError) as error:
        if any(_REFUSED_TOKEN in line for line in core_log):
            raise ConfigError(refusal_text(address)) from error
        raise ClusterLostError(f"--address {address}: no Ray cluster answers there: {first_line(error)}") from error
    except ConfigError:
        raise
    except (RuntimeError, ValueError, AuthenticationError) as error:
        raise ConfigError(f"--address {address}: {first_line(error)}") from error
    return ray


@contextlib.contextmanager
def _stderr_kept(lines: list[str]) -> Iterator[None]:
    """Keep what Ray's core writes to standard error while the block runs. It writes a line for each try."""
    with tempfile.TemporaryFile("w+", encoding="utf-8", errors="replace") as file:
        saved = os.dup(_STDERR)
        os.dup2(file.fileno(), _STDERR)
        try:
            yield
        finally:
            os.dup2(saved, _STDERR)
            os.close(saved)
            file.seek(0)
            lines += file


def require_listener(head: str) -> None:
    """Raise OSError if nothing listens at ``host:port``. Ray's own client would wait 40 seconds."""
    host, _, port = head.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), _CONNECT_S).close()


def first_line(error: BaseException) -> str:
    """Return the first line of an error's message. Ray adds many more."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    return _shortened(lines[0])


def _shortened(reason: str) -> str:
    return textwrap.shorten(reason, _MAX_REASON, placeholder=" ...")


def _require_listening(address: str) -> None:
    """Raise OSError if nothing listens at the address, and ConfigError if it is no address."""
    from ray._private import services

    try:
        head = services.canonicalize_bootstrap_address(address)
        if head is None:
            raise ConnectionError("no cluster runs on this machine, and RAY_ADDRESS names none")
        require_listener(head.removeprefix("ray://"))
    except ValueError as error:
        raise ConfigError(f"--address {address}: must be auto, or HOST:PORT of the head, such as 10.0.0.1:6379") from error
