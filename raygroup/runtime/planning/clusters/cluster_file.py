"""Read the three kinds of cluster files.

They are files for ``ray up`` on AWS, for ``ray up`` on local machines, and for Kubernetes (a RayJob
or RayCluster of KubeRay).
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.places import place
from raygroup.runtime.planning.clusters.cluster_values import PRICES, STORAGE, check_values, prices_in_text
from raygroup.runtime.planning.clusters.node_types import (
    NodeType,
    as_list,
    as_mapping,
    as_text,
    kubernetes_head,
    kubernetes_worker,
    numbers,
    price,
    ray_cluster_spec,
    ray_up_node,
)
from raygroup.runtime.planning.clusters.yaml_documents import YamlDocument, read_yaml, short
from raygroup.runtime.planning.finding import Finding

AWS, LOCAL, KUBERNETES = "aws", "local", "kubernetes"
_MAX_PLACE = 100
"""Most characters of a place in a message."""


@dataclass(frozen=True)
class ClusterFile:
    """The parts of a cluster file that raygroup uses."""

    path: Path
    kind: str
    document: YamlDocument
    documents: tuple[YamlDocument, ...]
    """All documents of the file. A Kubernetes file can hold more than its cluster."""
    node_types: tuple[NodeType, ...]
    storage_path: str | None
    faults: tuple[Finding, ...]
    """Values that raygroup cannot use. The other fields count them as missing."""

    @property
    def content(self) -> dict[str, Any]:
        return dict(self.document.content)

    @property
    def workers(self) -> tuple[NodeType, ...]:
        return tuple(node for node in self.node_types if not node.head)


def read_cluster_file(path: Path) -> ClusterFile:
    """Read a cluster file whose values can all be used.

    Raises ConfigError, with file and line, for a value that cannot be, and like ``inspect_cluster_file``.
    """
    cluster = inspect_cluster_file(path)
    for fault in cluster.faults:
        raise ConfigError(
            f"{path}:{cluster.document.line_of(fault.path)}: {fault.path[:_MAX_PLACE]}: {fault.problem}: it must be {fault.instead}"
        )
    return cluster


def inspect_cluster_file(path: Path) -> ClusterFile:
    """Read a cluster file with all its faults. Raises ConfigError, with file and line, if it is not YAML or not a cluster file."""
    documents = tuple(read_yaml(path))
    for document in documents:
        content = document.content
        if isinstance(content, dict) and str(content.get("apiVersion", "")).startswith("ray.io/"):
            return _read_kubernetes(path, document, documents)
        if isinstance(content, dict) and isinstance(content.get("provider"), dict):
            return _read_ray_up(path, document, documents)
    raise ConfigError(f"{path}: not a cluster file: it has neither a 'provider' (ray up) nor an 'apiVersion: ray.io/v1' (Kubernetes)")


def storage_path_error(path: str) -> str | None:
    """Return why a path cannot be a storage path, or None. It checks the text only, not the place."""
    try:
        place(path)
    except ConfigError as error:
        return str(error)
    return None


def _read_ray_up(path: Path, document: YamlDocument, documents: tuple[YamlDocument, ...]) -> ClusterFile:
    content = document.content
    provider = as_mapping(content["provider"])
    kind = provider.get("type")
    if kind not in (AWS, LOCAL):
        raise ConfigError(f"{path}:{document.line_of('provider.type')}: provider.type is {short(kind)}: it must be aws or local")
    metadata = as_mapping(content.get("metadata"))
    prices = as_mapping(metadata.get("usd_per_hour"))
    node_types = as_mapping(content.get("available_node_types"))
    nodes = [ray_up_node(name, as_mapping(node), content, prices) for name, node in node_types.items()]
    if kind == LOCAL and not nodes:
        machines = len(as_list(provider.get("worker_ips")))
        nodes = [
            NodeType("head", {}, False, True, 0, price(prices, "head")),
            NodeType("worker", numbers(metadata.get("resources")), False, False, machines, price(prices, "worker")),
        ]
    faults = tuple(check_values(content, on_kubernetes=False))
    return ClusterFile(path, str(kind), document, documents, tuple(nodes), as_text(metadata.get("storage_path")), faults)


def _read_kubernetes(path: Path, document: YamlDocument, documents: tuple[YamlDocument, ...]) -> ClusterFile:
    content = document.content
    kind = content.get("kind")
    if kind not in ("RayJob", "RayCluster"):
        raise ConfigError(f"{path}:{document.line_of('kind')}: kind is {short(kind)}: it must be RayJob or RayCluster")
    annotations, spec = as_mapping(as_mapping(content.get("metadata")).get("annotations")), ray_cluster_spec(content)
    faults = tuple(check_values(content, on_kubernetes=True))
    prices = as_mapping(prices_in_text(annotations.get(PRICES)))
    nodes = [kubernetes_head(as_mapping(spec.get("headGroupSpec")), prices)]
    nodes += [kubernetes_worker(as_mapping(group), prices) for group in as_list(spec.get("workerGroupSpecs"))]
    return ClusterFile(path, KUBERNETES, document, documents, tuple(nodes), as_text(annotations.get(STORAGE)), faults)
