"""Drain a node whose machine is about to go.

The workers of a node ask here whether it is being drained.
"""

import time
from typing import Any, cast

from raygroup.errors import ConfigError
from raygroup.runtime.on_ray.settings import first_line, require_listener, set_environment

_ANSWER_S = 1.0
"""How long a training step may wait for the cluster's head, every few seconds."""
_REQUEST_S = 10.0
_RETRY_S = 1.0
_MIN_DEADLINE_S = 1.0
"""A deadline that has passed is moved this far into the future: Ray takes 0 as no deadline."""


def drain_reason() -> str | None:
    """Return why this node is about to go, or None if it stays.

    Ray drains a node for which the watcher of spot notices asks. If the head does not answer, the
    result is None: a node that is cut off must go on training, or else find that its trial was
    taken over.
    """
    from ray import get_runtime_context
    from ray._private.worker import global_worker
    from ray.exceptions import RayError

    node, worker = get_runtime_context().get_node_id(), cast(Any, global_worker)
    try:
        draining = worker.gcs_client.get_draining_nodes(timeout=_ANSWER_S)
    except RayError:
        return None
    return f"node {node[:12]} is being drained" if node in draining else None


class RayNode:
    """This machine's node of a Ray cluster. It talks to the head without joining the cluster."""

    def __init__(self, address: str = "auto", node_id: str | None = None) -> None:
        """Find the node.

        ``node_id`` picks one if this machine runs several. Raises ConfigError if there is none.
        """
        set_environment()
        from ray._private import services
        from ray._raylet import GcsClient  # type: ignore[attr-defined]
        from ray.exceptions import RayError

        try:
            self.head = services.canonicalize_bootstrap_address_or_die(address)
            require_listener(self.head)
            self._head_client = GcsClient(address=self.head)
            nodes = self._head_client.get_all_node_info(timeout=_REQUEST_S)
        except (OSError, RuntimeError, ValueError, RayError) as error:
            raise ConfigError(f"--address {address}: no Ray cluster answers there: {first_line(error)}") from error
        self.node_id = _find_node(nodes, str(services.get_node_ip_address()), node_id)  # type: ignore[no-untyped-call]

    def drain(self, deadline: float, reason: str) -> None:
        """Have Ray start nothing more on the node. Workers that ask learn of it.

        ``deadline`` is in seconds since 1970. Raises RuntimeError if the head does not answer, or
        if it refuses.
        """
        from ray.core.generated import autoscaler_pb2
        from ray.exceptions import RayError

        kind = autoscaler_pb2.DrainNodeReason.Value("DRAIN_NODE_REASON_PREEMPTION")  # type: ignore[attr-defined]
        deadline_ms = int(1000 * max(deadline, time.time() + _MIN_DEADLINE_S))
        try:
            accepted, refusal = self._head_client.drain_node(self.node_id, kind, reason, deadline_ms, timeout=_REQUEST_S)
        except RayError as error:
            raise RuntimeError(f"no answer from {self.head}: {first_line(error)}") from error
        if not accepted:
            raise RuntimeError(f"refused: {refusal}")


def drain_node(address: str, node_id: str | None, deadline: float, reason: str) -> str:
    """Drain this machine's node, and return its id.

    If that fails, try again until the deadline, in seconds since 1970. Then raise ConfigError with
    the last cause.
    """
    while True:
        try:
            node = RayNode(address, node_id)
            node.drain(deadline, reason)
        except (ConfigError, RuntimeError) as error:
            if time.time() + _RETRY_S >= deadline:
                raise ConfigError(f"the node could not be drained before its instance goes: {error}") from error
            time.sleep(_RETRY_S)
        else:
            return node.node_id


def _find_node(nodes: Any, ip_address: str, node_id: str | None) -> str:
    """Return the id of the cluster's node at this address.

    If the user named a node, check that the cluster has it.
    """
    address_of = {str(node.hex()): info.node_manager_address for node, info in nodes.items() if info.state == info.ALIVE}
    matches = [node for node, address in address_of.items() if (node == node_id if node_id else address == ip_address)]
    if node_id and not matches:
        raise ConfigError(f"--node-id {node_id}: the cluster has no such node; it has: {', '.join(sorted(address_of)) or 'none'}")
    if not matches:
        raise ConfigError(f"no node of the cluster runs at {ip_address}; give --node-id, one of: {', '.join(sorted(address_of)) or 'none'}")
    if len(matches) > 1:
        raise ConfigError(f"{len(matches)} nodes of the cluster run at {ip_address}: give --node-id, one of: {', '.join(sorted(matches))}")
    return matches[0]
