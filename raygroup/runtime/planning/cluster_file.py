"""Cluster files of the three kinds: for ``ray up`` on AWS and on own machines, and for Kubernetes (KubeRay's RayJob and RayCluster)."""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.places import place

AWS, LOCAL, KUBERNETES = "aws", "local", "kubernetes"
STORAGE, PRICES = "raygroup/storage-path", "raygroup/usd-per-hour"
"""Annotations of a Kubernetes file, whose ``metadata`` may hold no names of our own."""


@dataclass(frozen=True)
class NodeType:
    """Machines of one kind that a cluster may have."""

    name: str
    resources: Mapping[str, float]
    """As Ray counts them; where a file leaves them to Ray, they are not known."""
    spot: bool
    head: bool
    max_workers: int
    usd_per_hour: float | None
    priority: int = 0
    """Of types that would do alike, Ray starts those of the highest first."""


@dataclass(frozen=True)
class ClusterFile:
    """What a cluster file says, as far as raygroup asks."""

    path: Path
    kind: str
    content: dict[str, Any]
    node_types: tuple[NodeType, ...]
    storage_path: str | None

    @property
    def workers(self) -> tuple[NodeType, ...]:
        return tuple(node for node in self.node_types if not node.head)


def read_cluster(path: Path) -> ClusterFile:
    """Raises ConfigError naming file and line for what is no YAML, and for what is no cluster file."""
    import yaml

    try:
        documents = [document for document in yaml.load_all(path.read_text(encoding="utf-8"), _loader()) if document]
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable: {error}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{path}:{mark.line + 1}" if mark else str(path)
        raise ConfigError(f"{where}: not YAML: {getattr(error, 'problem', error)}") from error
    for content in documents:
        if isinstance(content, dict) and str(content.get("apiVersion", "")).startswith("ray.io/"):
            return _kubernetes(path, content)
        if isinstance(content, dict) and isinstance(content.get("provider"), dict):
            return _for_ray_up(path, content)
    raise ConfigError(f"{path}: no cluster file: it has neither a 'provider' (ray up) nor an 'apiVersion: ray.io/v1' (Kubernetes)")


def _loader() -> Any:
    """YAML's safe loader, but a name that is there twice is an error: Ray would take the second and say nothing."""
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            names: set[str] = set()
            for name, _ in node.value:
                if name.value in names:
                    raise yaml.composer.ComposerError(None, None, f"{name.value!r} is there twice", name.start_mark)
                names |= {name.value} if isinstance(name.value, str) else set()
            return node

    return Loader


def storage_fault(path: str) -> str | None:
    """Why raygroup could not write there, as far as the path itself tells."""
    if "://" not in path:
        return None
    try:
        place(path)
    except ConfigError as error:
        return str(error)
    return None


def mapping(value: object) -> dict[str, Any]:
    """The value where it is a mapping, else nothing: what is wrong with it is for the check to say."""
    return value if isinstance(value, dict) else {}


def listed(value: object) -> list[Any]:
    return value if isinstance(value, list) else []


def spec_of(content: dict[str, Any]) -> dict[str, Any]:
    """The RayCluster's specification, which a RayJob holds within its own."""
    spec = mapping(content.get("spec"))
    return mapping(spec.get("rayClusterSpec")) if content.get("kind") == "RayJob" else spec


def containers(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Of the pods of a group; Ray's own is the first."""
    pod = mapping(mapping(group.get("template")).get("spec"))
    return [container for container in listed(pod.get("containers")) if isinstance(container, dict)]


def _for_ray_up(path: Path, content: dict[str, Any]) -> ClusterFile:
    kind = mapping(content["provider"]).get("type")
    if kind not in (AWS, LOCAL):
        raise ConfigError(f"{path}: provider.type is {kind!r}: it must be aws or local")
    about = mapping(content.get("metadata"))
    prices, head = mapping(about.get("usd_per_hour")), content.get("head_node_type")
    nodes = [
        NodeType(
            name, _numbers(mapping(node).get("resources")), _spot(mapping(mapping(node).get("node_config"))), name == head,
            _count(mapping(node).get("max_workers", content.get("max_workers", 1))), _price(prices, name),
            _count(mapping(node).get("priority", 0)),
        )
        for name, node in mapping(content.get("available_node_types")).items()
    ]  # fmt: skip
    if kind == LOCAL and not nodes:
        machines = len(listed(mapping(content["provider"]).get("worker_ips")))
        nodes = [NodeType("head", {}, False, True, 0, _price(prices, "head"))]
        nodes += [NodeType("worker", _numbers(about.get("resources")), False, False, machines, _price(prices, "worker"))]
    return ClusterFile(path, str(kind), content, tuple(nodes), about.get("storage_path"))


def _kubernetes(path: Path, content: dict[str, Any]) -> ClusterFile:
    if content.get("kind") not in ("RayJob", "RayCluster"):
        raise ConfigError(f"{path}: kind is {content.get('kind')!r}: it must be RayJob or RayCluster")
    notes, spec = mapping(mapping(content.get("metadata")).get("annotations")), spec_of(content)
    try:
        prices = mapping(json.loads(notes.get(PRICES, "{}")))
    except (TypeError, json.JSONDecodeError) as error:
        raise ConfigError(f"{path}: metadata.annotations.{PRICES}: not JSON: {error}") from error
    head = mapping(spec.get("headGroupSpec"))
    nodes = [NodeType("head", _of_pod(head), _on_spot(head), True, 0, _price(prices, "head"))]
    for group in listed(spec.get("workerGroupSpecs")):
        name = str(mapping(group).get("groupName", ""))
        most, priority = _count(mapping(group).get("maxReplicas", 1)), _count(mapping(group).get("priority", 0))
        nodes.append(NodeType(name, _of_pod(mapping(group)), _on_spot(mapping(group)), False, most, _price(prices, name), priority))
    return ClusterFile(path, KUBERNETES, content, tuple(nodes), notes.get(STORAGE))


def _on_spot(group: dict[str, Any]) -> bool:
    """By the labels that Karpenter, EKS, GKE and AKS give such machines, all of which have the word."""
    pod = mapping(mapping(group.get("template")).get("spec"))
    chosen = mapping(pod.get("nodeSelector"))
    return any("spot" in f"{name} {value}".lower() and str(value).lower() != "false" for name, value in chosen.items())


def _of_pod(group: dict[str, Any]) -> dict[str, float]:
    """What Ray will count: the limits of the pod, or what its start parameters say."""
    limits = mapping(mapping((containers(group) or [{}])[0].get("resources")).get("limits"))
    found = {"CPU": _cpus(limits.get("cpu", 0)), "GPU": float(limits.get("nvidia.com/gpu", 0) or 0)}
    params = mapping(group.get("rayStartParams"))
    found |= {kind: float(params[name]) for kind, name in (("CPU", "num-cpus"), ("GPU", "num-gpus")) if str(params.get(name, "")).isdigit()}
    try:
        more = json.loads(str(params.get("resources", "{}")).strip("'\"").replace("\\", ""))
    except json.JSONDecodeError:
        more = {}
    return found | _numbers(more)


def _cpus(text: object) -> float:
    """``4`` or ``500m``."""
    said = str(text)
    try:
        return float(said[:-1]) / 1000 if said.endswith("m") else float(said)
    except ValueError:
        return 0.0


def _numbers(value: object) -> dict[str, float]:
    return {name: float(count) for name, count in mapping(value).items() if isinstance(count, int | float)}


def _count(value: object) -> int:
    return value if isinstance(value, int) else 0


def _spot(node_config: dict[str, Any]) -> bool:
    return mapping(node_config.get("InstanceMarketOptions")).get("MarketType") == "spot"


def _price(prices: dict[str, Any], name: str) -> float | None:
    price = prices.get(name)
    return float(price) if isinstance(price, int | float) else None
