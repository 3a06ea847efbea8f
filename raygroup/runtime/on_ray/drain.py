"""Drained nodes: a worker asks whether its node is about to go."""

from typing import Any, cast

_ANSWER_S = 1.0
"""How long a training step may wait for the cluster's head, every few seconds."""


def drain_reason() -> str | None:
    """Return why this node is about to go, or None if it stays.

    Ray drains a node for which the watcher of spot notices asks. If the head does not answer, the result is None: a node that is cut off
    must go on training, or else find that its trial was taken over.
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
