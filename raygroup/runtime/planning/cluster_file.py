"""Read the three kinds of cluster files.

They are files for ``ray up`` on AWS, for ``ray up`` on local machines, and for Kubernetes (a RayJob
or RayCluster of KubeRay).
"""

import json
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.places import place
from raygroup.runtime.planning.node_types import (
    NodeType,
    as_list,
    as_mapping,
    kubernetes_head,
    kubernetes_worker,
    numbers,
    price,
    ray_cluster_spec,
    ray_up_node,
)

AWS, LOCAL, KUBERNETES = "aws", "local", "kubernetes"
STORAGE, PRICES = "raygroup/storage-path", "raygroup/usd-per-hour"
"""Annotations of a Kubernetes file. Its ``metadata`` accepts no other names of our own."""


@dataclass(frozen=True)
class ClusterFile:
    """The parts of a cluster file that raygroup uses."""

    path: Path
    kind: str
    content: dict[str, Any]
    node_types: tuple[NodeType, ...]
    storage_path: str | None

    @property
    def workers(self) -> tuple[NodeType, ...]:
        return tuple(node for node in self.node_types if not node.head)


def read_cluster_file(path: Path) -> ClusterFile:
    """Read a cluster file. Raises ConfigError, with file and line, if it is not YAML or not a cluster file."""
    import yaml

    try:
        documents = [document for document in yaml.load_all(path.read_text(encoding="utf-8"), _loader()) if document]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        location = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{location}: not YAML: {getattr(error, 'problem', error)}") from error
    for content in documents:
        if isinstance(content, dict) and str(content.get("apiVersion", "")).startswith("ray.io/"):
            return _read_kubernetes(path, content)
        if isinstance(content, dict) and isinstance(content.get("provider"), dict):
            return _read_ray_up(path, content)
    raise ConfigError(f"{path}: not a cluster file: it has neither a 'provider' (ray up) nor an 'apiVersion: ray.io/v1' (Kubernetes)")


def _loader() -> Any:
    """Return a safe YAML loader that refuses repeated names. Ray would silently use the second."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            names: set[str] = set()
            for name, _ in node.value:
                if name.value in names:
                    raise yaml.composer.ComposerError(None, None, f"{name.value!r} occurs twice", name.start_mark)
                names |= {name.value} if isinstance(name.value, str) else set()
            return node

    return Loader


def storage_path_error(path: str) -> str | None:
    """Return why a path cannot be a storage path, or None. It checks the text only, not the place."""
    try:
        place(path)
    except ConfigError as error:
        return str(error)
    return None


def _read_ray_up(path: Path, content: dict[str, Any]) -> ClusterFile:
    provider = as_mapping(content["provider"])
    kind = provider.get("type")
    if kind not in (AWS, LOCAL):
        raise ConfigError(f"{path}: provider.type is {kind!r}: it must be aws or local")
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
    return ClusterFile(path, str(kind), content, tuple(nodes), metadata.get("storage_path"))


def _read_kubernetes(path: Path, content: dict[str, Any]) -> ClusterFile:
    if content.get("kind") not in ("RayJob", "RayCluster"):
        raise ConfigError(f"{path}: kind is {content.get('kind')!r}: it must be RayJob or RayCluster")
    annotations, spec = as_mapping(as_mapping(content.get("metadata")).get("annotations")), ray_cluster_spec(content)
    try:
        prices = as_mapping(json.loads(annotations.get(PRICES, "{}")))
    except (TypeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: metadata.annotations.{PRICES}: not JSON: {error}") from error
    nodes = [kubernetes_head(as_mapping(spec.get("headGroupSpec")), prices)]
    nodes += [kubernetes_worker(as_mapping(group), prices) for group in as_list(spec.get("workerGroupSpecs"))]
    return ClusterFile(path, KUBERNETES, content, tuple(nodes), annotations.get(STORAGE))
