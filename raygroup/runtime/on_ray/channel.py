"""The child's side of a driver process.

It sends messages and heartbeats of the cluster's head to the watching process, and ends on its
request.
"""

import contextlib
import os
import sys
import threading
from collections.abc import Iterator
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

from raygroup.errors import ClusterLostError, RayStartError
from raygroup.runtime.on_ray.auth_token import token_path
from raygroup.runtime.on_ray.session_folder import remove_session_folder, use_session_folder
from raygroup.runtime.on_ray.settings import join_cluster, start_ray

BEAT, LOST, NOTE = "beat", "lost", "note"
START_FAILED, NOT_JOINED = "start failed", "not joined"
BAD_INPUT, STORAGE_FAILED, CRASHED = "bad input", "storage failed", "crashed"
RESULT = "result"
_BEAT_S = 2.0
_ANSWER_S = 5.0
"""Longest wait for one answer of the head."""
_SHUTDOWN_S = 8.0
"""Longest time to stop a cluster of this run."""


class Channel:
    """Send messages to the watching process, from any thread."""

    def __init__(self, pipe: Connection) -> None:
        self.pipe = pipe
        self._lock = threading.Lock()

    def send(self, kind: str, content: Any = None) -> None:
        """Send a message. If the watching process is gone, it is dropped."""
        with self._lock, contextlib.suppress(OSError):
            self.pipe.send((kind, content))


@contextlib.contextmanager
def connected_cluster(address: str | None, folder: Path | None, channel: Channel) -> Iterator[Any]:
    """Connect to a cluster and send heartbeats while the block runs. Yields the ray module.

    Without an address, Ray is started in the folder, which is removed at the end. If the block fails because the head is gone, the
    watching process gets ``LOST`` before any other message. If no cluster can be had, it gets the reason and this process ends.
    """
    threading.Thread(target=_end_on_request, args=(channel.pipe, folder), daemon=True).start()
    with contextlib.nullcontext() if folder is None else use_session_folder(folder):
        ray = _connect(address, folder, channel)
        stopped = _start_heartbeats(ray, channel)
        try:
            yield ray
        except Exception:
            if not _is_node_alive(ray):
                channel.send(LOST, "no longer answers")
            raise
        finally:
            stopped.set()
            ray.shutdown()
    remove_session_folder(folder)


def _connect(address: str | None, folder: Path | None, channel: Channel) -> Any:
    """Start Ray in the folder, or join the cluster at the address."""
    try:
        if folder is None:
            return join_cluster(str(address), lambda: channel.send(BEAT))
        ray = start_ray(folder)
    except (RayStartError, ClusterLostError) as error:
        channel.send(START_FAILED if folder else NOT_JOINED, str(error))
        sys.exit(error.exit_code)
    channel.send(NOTE, f"Ray's dashboard: http://{ray._private.worker.global_worker.node.webui_url} (token: {token_path()})")
    return ray


def _start_heartbeats(ray: Any, channel: Channel) -> threading.Event:
    """Send a heartbeat for every answer of the head.

    A thread does so until the returned event is set. A head that no longer knows this node counts
    as lost: it would schedule nothing here and report no error.
    """
    stopped = threading.Event()

    def send_beats() -> None:
        while not stopped.wait(_BEAT_S):
            alive = _is_node_alive(ray)
            if alive is False:
                channel.send(LOST, "no longer counts this machine among its nodes")
            elif alive:  # the watching process counts missing answers
                channel.send(BEAT)

    channel.send(BEAT)
    threading.Thread(target=send_beats, daemon=True).start()
    return stopped


def _is_node_alive(ray: Any) -> bool | None:
    """Return whether the head counts this node as alive.

    None means that the head does not answer.
    """
    from ray._raylet import NodeID

    try:
        node = NodeID.from_hex(ray.get_runtime_context().get_node_id())
        return bool(ray._private.worker.global_worker.gcs_client.check_alive([node], timeout=_ANSWER_S)[0])
    except Exception:
        return None


def _end_on_request(pipe: Connection, folder: Path | None) -> None:
    """Wait until the watching process asks for the end, or is gone.

    Then stop a cluster of this run, remove its folder and exit.
    """
    with contextlib.suppress(EOFError, OSError):
        pipe.recv()
    import ray

    threading.Timer(_SHUTDOWN_S, os._exit, (1,)).start()
    with contextlib.suppress(Exception):
        ray.shutdown()
    remove_session_folder(folder)
    os._exit(0)
