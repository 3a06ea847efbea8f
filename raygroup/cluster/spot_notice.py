"""What a spot instance is told of its own end, and what follows: Ray drains the node, so that its workers write a checkpoint and give their
packs back before the instance goes."""

import http.client
import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from raygroup.errors import ConfigError
from raygroup.runtime.on_ray.settings import set_environment

METADATA_URL = "http://169.254.169.254"
"""Where every EC2 instance finds its own metadata. In a container the instance must allow one hop more, or the container must have the
instance's network."""
REASON = "a spot instance is taken back"
_TOKEN_S = 21600
_ANSWER_S = 2.0
_CLUSTER_S = 10.0
_AGAIN_S = 1.0
_SHORTEST_S = 1.0
"""A notice whose time has passed still gives the node this long: Ray takes a deadline of 0 as none."""


@dataclass(frozen=True)
class Notice:
    """EC2 takes this instance back."""

    action: str
    """``terminate``, ``stop`` or ``hibernate``; the work on the instance ends with each."""
    at: float
    """When, in seconds since 1970; EC2 says it two minutes before, and where it stops or terminates promises no more."""


class Metadata:
    """The instance metadata service, version 2 only: every question carries a token."""

    def __init__(self, url: str = METADATA_URL) -> None:
        self.url = url.rstrip("/")
        self._token, self._token_until = "", 0.0
        self._open = urllib.request.build_opener(urllib.request.ProxyHandler({})).open  # a proxy would answer for its own instance

    def read(self, path: str) -> str | None:
        """The text at a path below ``latest/meta-data``; None where there is nothing. Raises OSError where the service does not answer."""
        if time.monotonic() >= self._token_until:
            self._renew()
        try:
            return self._asked("GET", f"meta-data/{path}", {"X-aws-ec2-metadata-token": self._token})
        except urllib.error.HTTPError as error:
            error.close()
            if error.code == 404:
                return None
            self._token_until = 0.0  # 401: the instance was stopped and started, or its clock was set
            raise

    def notice(self) -> Notice | None:
        """The notice that the instance is taken back, if there is one. Raises OSError where the service does not answer."""
        text = self.read("spot/instance-action")
        if text is None:
            return None
        said = _fields(text)
        return Notice(str(said.get("action", "terminate")), _seconds(said.get("time")))

    def recommended(self) -> str | None:
        """When EC2 recommended to leave this instance, which is no notice yet and may stay without one."""
        text = self.read("events/recommendations/rebalance")
        return text and str(_fields(text).get("noticeTime", "now"))

    def _renew(self) -> None:
        self._token = self._asked("PUT", "api/token", {"X-aws-ec2-metadata-token-ttl-seconds": str(_TOKEN_S)})
        self._token_until = time.monotonic() + _TOKEN_S / 2

    def _asked(self, method: str, path: str, headers: dict[str, str]) -> str:
        request = urllib.request.Request(f"{self.url}/latest/{path}", method=method, headers=headers)
        try:
            with self._open(request, timeout=_ANSWER_S) as answer:
                return str(answer.read().decode())
        except http.client.HTTPException as error:
            raise ConnectionError(f"{self.url}: no answer in HTTP: {error!r}") from error


def watch(metadata: Metadata, every_s: float, said: Callable[[str], None]) -> Notice:
    """Asks until there is a notice. A service that does not answer is asked again: it limits the rate of questions, and a notice is still
    there afterwards; ``said`` is told of it once each time, and of a recommendation to leave once."""
    silent = recommended = False
    while True:
        try:
            notice = metadata.notice()
            if notice is not None:
                return notice
            if not recommended and (when := metadata.recommended()):
                recommended = True
                said(f"EC2 recommends to leave this instance since {when}; it goes on until there is a notice")
            if silent:
                said(f"{metadata.url} answers again")
            silent = False
        except OSError as error:
            if not silent:
                said(f"{metadata.url} does not answer ({error}); asking again every {every_s:g} s")
            silent = True
        time.sleep(every_s)


class RayNode:
    """One node of a Ray cluster, as its drainer sees it: over the head's control store, without joining the cluster."""

    def __init__(self, address: str = "auto", node_id: str | None = None) -> None:
        """``node_id`` says which node of this machine is meant where it runs several. Raises ConfigError where none can be found."""
        set_environment()
        from ray._private import services
        from ray._raylet import GcsClient  # type: ignore[attr-defined]
        from ray.exceptions import RayError

        try:
            self.head = services.canonicalize_bootstrap_address_or_die(address)
            _reached(self.head)
            self._control = GcsClient(address=self.head)
            nodes = self._control.get_all_node_info(timeout=_CLUSTER_S)
        except (OSError, RuntimeError, ValueError, RayError) as error:
            raise ConfigError(f"--address {address}: no Ray cluster answers there: {str(error).splitlines()[0]}") from error
        self.node_id = _mine(nodes, str(services.get_node_ip_address()), node_id)  # type: ignore[no-untyped-call]

    def drain(self, deadline: float, message: str) -> None:
        """From now on Ray starts nothing there, and workers that ask are told; ``deadline`` in seconds since 1970.

        Raises RuntimeError where the head does not answer or refuses.
        """
        from ray.core.generated import autoscaler_pb2
        from ray.exceptions import RayError

        reason = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")  # type: ignore[attr-defined]
        until = max(deadline, time.time() + _SHORTEST_S)
        try:
            accepted, why_not = self._control.drain_node(self.node_id, reason, message, int(1000 * until), timeout=_CLUSTER_S)
        except RayError as error:
            raise RuntimeError(f"no answer from {self.head}: {str(error).splitlines()[0]}") from error
        if not accepted:
            raise RuntimeError(f"refused: {why_not}")


def drain(address: str, node_id: str | None, notice: Notice) -> str:
    """Drains the node of this machine; its id. The cluster is asked until the instance goes; then ConfigError says what was in the way."""
    while True:
        try:
            node = RayNode(address, node_id)
            node.drain(notice.at, f"{REASON}: {notice.action}")
        except (ConfigError, RuntimeError) as error:
            if time.time() + _AGAIN_S >= notice.at:
                raise ConfigError(f"the node could not be drained before its instance goes: {error}") from error
            time.sleep(_AGAIN_S)
        else:
            return node.node_id


def _reached(head: str) -> None:
    """Raises OSError where nobody listens there; Ray's own client waits forty seconds, and a notice comes 120 s before the end."""
    host, _, port = head.rpartition(":")
    socket.create_connection((host.strip("[]"), int(port)), _ANSWER_S).close()


def _mine(nodes: Any, here: str, node_id: str | None) -> str:
    """The id of the node that runs on this machine, among those of the cluster."""
    alive = {str(node.hex()): about.node_manager_address for node, about in nodes.items() if about.state == about.ALIVE}
    mine = [node for node, address in alive.items() if (node == node_id if node_id else address == here)]
    if node_id and not mine:
        raise ConfigError(f"--node-id {node_id}: the cluster has no such node; it has: {', '.join(sorted(alive)) or 'none'}")
    if not mine:
        raise ConfigError(f"no node of the cluster runs at {here}; give --node-id, one of: {', '.join(sorted(alive)) or 'none'}")
    if len(mine) > 1:
        raise ConfigError(f"{len(mine)} nodes of the cluster run at {here}: give --node-id, one of: {', '.join(sorted(mine))}")
    return mine[0]


def _fields(text: str) -> dict[str, Any]:
    """What a document says; nothing where it is not JSON, since that it is there is what counts."""
    try:
        said = json.loads(text)
    except ValueError:
        return {}
    return said if isinstance(said, dict) else {}


def _seconds(stamp: object) -> float:
    try:
        return datetime.fromisoformat(str(stamp)).timestamp()
    except ValueError:
        return time.time() + 120.0
