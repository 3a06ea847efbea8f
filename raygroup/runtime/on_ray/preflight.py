"""Check before any work that Ray can run here, or that a cluster answers."""

from pathlib import Path

from raygroup.errors import ClusterLostError, ConfigError, WorkerDiedError
from raygroup.runtime.on_ray.auth_token import prepare_token
from raygroup.runtime.on_ray.channel import BAD_INPUT, RESULT, Channel, connected_cluster
from raygroup.runtime.on_ray.driver_process import DriverProcess, Limits
from raygroup.runtime.on_ray.session_folder import temporary_base


def require_ray(address: str | None, limits: Limits | None = None) -> None:
    """Check token and folders of a Ray on this machine, or join the cluster at the address once.

    Raises ConfigError for what the user must change, and ClusterLostError if no cluster answers.
    """
    if address is None:
        prepare_token(address)
        temporary_base()
        return
    try:
        with DriverProcess(join_once, address, address, limits) as driver:
            list(driver.messages())
    except WorkerDiedError as error:
        raise ClusterLostError(f"--address {address}: {error} as it joined the cluster") from error


def join_once(address: str, channel: Channel, folder: Path | None) -> None:
    """Join a cluster in the child process, and leave it."""
    try:
        with connected_cluster(address, folder, channel):
            channel.send(RESULT)
    except ConfigError as error:
        channel.send(BAD_INPUT, str(error))
