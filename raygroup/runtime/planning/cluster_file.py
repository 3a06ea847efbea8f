"""Read cluster files: for ``ray up`` on AWS or on local machines, and for Kubernetes (a RayJob or RayCluster of KubeRay)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.places import place

AWS, LOCAL, KUBERNETES = "aws", "local", "kubernetes"
STORAGE, PRICES = "raygroup/storage-path", "raygroup/usd-per-hour"
"""Annotations of a Kubernetes file. Its ``metadata`` accepts no other names of our own."""


@dataclass(frozen=True)
class NodeType:
    """One type of node that a cluster may have."""

    name: str
    resources: Mapping[str, float]
    """Resources as Ray counts them. They are empty if the file leaves them to Ray."""
    spot: bool
    head: bool
    max_workers: int
    usd_per_hour: float | None
    priority: int = 0
    """If several types would do, Ray starts the one with the highest priority."""


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
    """Return YAML's safe loader with one more rule: a repeated name is an error. Ray would silently use the second."""
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
    if "://" not in path:
        return None
    try:
        place(path)
    except ConfigError as error:
        return str(error)
    return None


def as_mapping(value: object) -> dict[str, Any]:
    """Return the value if it is a mapping, else an empty one. ``cluster check`` reports the mistake."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def ray_cluster_spec(content: dict[str, Any]) -> dict[str, Any]:
    """Return the specification of a RayCluster. In a RayJob it is a part of the job's own."""
    spec = as_mapping(content.get("spec"))
    return as_mapping(spec.get("rayClusterSpec")) if content.get("kind") == "RayJob" else spec


def pod_containers(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the containers of a group's pods. Ray's own is the first."""
    pod = as_mapping(as_mapping(group.get("template")).get("spec"))
    return [container for container in as_list(pod.get("containers")) if isinstance(container, dict)]


def _read_ray_up(path: Path, content: dict[str, Any]) -> ClusterFile:
    provider = as_mapping(content["provider"])
    kind = provider.get("type")
    if kind not in (AWS, LOCAL):
        raise ConfigError(f"{path}: provider.type is {kind!r}: it must be aws or local")
    metadata = as_mapping(content.get("metadata"))
    prices = as_mapping(metadata.get("usd_per_hour"))
    node_types = as_mapping(content.get("available_node_types"))
    nodes = [_ray_up_node(name, as_mapping(node), content, prices) for name, node in node_types.items()]
    if kind == LOCAL and not nodes:
        machines = len(as_list(provider.get("worker_ips")))
        nodes = [
            NodeType("head", {}, False, True, 0, _price(prices, "head")),
            NodeType("worker", _numbers(metadata.get("resources")), False, False, machines, _price(prices, "worker")),
        ]
    return ClusterFile(path, str(kind), content, tuple(nodes), metadata.get("storage_path"))


def _ray_up_node(name: str, node: dict[str, Any], content: dict[str, Any], prices: dict[str, Any]) -> NodeType:
    market = as_mapping(as_mapping(node.get("node_config")).get("InstanceMarketOptions"))
    return NodeType(
        name=name,
        resources=_numbers(node.get("resources")),
        spot=market.get("MarketType") == "spot",
        head=name == content.get("head_node_type"),
        max_workers=_count(node.get("max_workers", content.get("max_workers", 1))),
        usd_per_hour=_price(prices, name),
        priority=_count(node.get("priority", 0)),
    )


def _read_kubernetes(path: Path, content: dict[str, Any]) -> ClusterFile:
    if content.get("kind") not in ("RayJob", "RayCluster"):
        raise ConfigError(f"{path}: kind is {content.get('kind')!r}: it must be RayJob or RayCluster")
    annotations, spec = as_mapping(as_mapping(content.get("metadata")).get("annotations")), ray_cluster_spec(content)
    try:
        prices = as_mapping(json.loads(annotations.get(PRICES, "{}")))
    except (TypeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: metadata.annotations.{PRICES}: not JSON: {error}") from error
    head = as_mapping(spec.get("headGroupSpec"))
    nodes = [NodeType("head", _pod_resources(head), _is_on_spot(head), True, 0, _price(prices, "head"))]
    nodes += [_kubernetes_node(as_mapping(group), prices) for group in as_list(spec.get("workerGroupSpecs"))]
    return ClusterFile(path, KUBERNETES, content, tuple(nodes), annotations.get(STORAGE))


def _kubernetes_node(group: dict[str, Any], prices: dict[str, Any]) -> NodeType:
    name = str(group.get("groupName", ""))
    return NodeType(
        name=name,
        resources=_pod_resources(group),
        spot=_is_on_spot(group),
        head=False,
        max_workers=_count(group.get("maxReplicas", 1)),
        usd_per_hour=_price(prices, name),
        priority=_count(group.get("priority", 0)),
    )


def _is_on_spot(group: dict[str, Any]) -> bool:
    """Return whether a group selects spot machines.

    Karpenter, EKS, GKE and AKS label them differently, but each label contains "spot".
    """
    pod = as_mapping(as_mapping(group.get("template")).get("spec"))
    selector = as_mapping(pod.get("nodeSelector"))
    return any("spot" in f"{name} {value}".lower() and str(value).lower() != "false" for name, value in selector.items())


def _pod_resources(group: dict[str, Any]) -> dict[str, float]:
    """Return the resources that Ray will count: the limits of the pod, unless the start parameters give others."""
    limits = as_mapping(as_mapping((pod_containers(group) or [{}])[0].get("resources")).get("limits"))
    resources = {"CPU": _num_cpus(limits.get("cpu", 0)), "GPU": float(limits.get("nvidia.com/gpu", 0) or 0)}
    params = as_mapping(group.get("rayStartParams"))
    for kind, name in (("CPU", "num-cpus"), ("GPU", "num-gpus")):
        if str(params.get(name, "")).isdigit():
            resources[kind] = float(params[name])
    try:
        custom = json.loads(str(params.get("resources", "{}")).strip("'\"").replace("\\", ""))
    except json.JSONDecodeError:
        custom = {}
    return resources | _numbers(custom)


def _num_cpus(value: object) -> float:
    """Return the CPUs of a Kubernetes quantity, such as ``4`` or ``500m``."""
    text = str(value)
    try:
        return float(text[:-1]) / 1000 if text.endswith("m") else float(text)
    except ValueError:
        return 0.0


def _numbers(value: object) -> dict[str, float]:
    return {name: float(count) for name, count in as_mapping(value).items() if isinstance(count, int | float)}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _price(prices: dict[str, Any], name: str) -> float | None:
    price = prices.get(name)
    return float(price) if isinstance(price, int | float) else None
