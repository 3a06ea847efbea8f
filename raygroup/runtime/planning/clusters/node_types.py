"""The node types of a cluster file, with their resources and prices."""

import json
import re
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any


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


def as_mapping(value: object) -> dict[str, Any]:
    """Return the value if it is a mapping, else an empty one. ``cluster check`` reports the mistake."""
    return value if isinstance(value, dict) else {}


def as_list(value: object) -> list[Any]:
    """Return the value if it is a list, else an empty one."""
    return value if isinstance(value, list) else []


def as_text(value: object) -> str | None:
    """Return the value if it is text, else None."""
    return value if isinstance(value, str) else None


def ray_cluster_spec(content: dict[str, Any]) -> dict[str, Any]:
    """Return the specification of a RayCluster. In a RayJob it is a part of the job's own."""
    spec = as_mapping(content.get("spec"))
    return as_mapping(spec.get("rayClusterSpec")) if content.get("kind") == "RayJob" else spec


def pod_containers(group: dict[str, Any]) -> list[dict[str, Any]]:
    """Return the containers of a group's pods. Ray's own is the first."""
    pod = as_mapping(as_mapping(group.get("template")).get("spec"))
    return [container for container in as_list(pod.get("containers")) if isinstance(container, dict)]


def ray_up_node(name: str, node: dict[str, Any], content: dict[str, Any], prices: dict[str, Any]) -> NodeType:
    """Return a node type of a file for ``ray up``. ``content`` is the whole file."""
    market = as_mapping(as_mapping(node.get("node_config")).get("InstanceMarketOptions"))
    return NodeType(
        name=name,
        resources=numbers(node.get("resources")),
        spot=market.get("MarketType") == "spot",
        head=name == content.get("head_node_type"),
        max_workers=_count(node.get("max_workers", content.get("max_workers", 1))),
        usd_per_hour=price(prices, name),
        priority=_count(node.get("priority", 0)),
    )


def kubernetes_head(group: dict[str, Any], prices: dict[str, Any]) -> NodeType:
    """Return the head of a Kubernetes file, from its ``headGroupSpec``."""
    return NodeType("head", _pod_resources(group), _is_on_spot(group), True, 0, price(prices, "head"))


def kubernetes_worker(group: dict[str, Any], prices: dict[str, Any]) -> NodeType:
    """Return a node type from one of the ``workerGroupSpecs`` of a Kubernetes file."""
    name = str(group.get("groupName", ""))
    return NodeType(
        name=name,
        resources=_pod_resources(group),
        spot=_is_on_spot(group),
        head=False,
        max_workers=_count(group.get("maxReplicas", 1)),
        usd_per_hour=price(prices, name),
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
    """Return the resources that Ray will count.

    They are the limits of the pod, unless Ray's start parameters give others.
    """
    limits = as_mapping(as_mapping((pod_containers(group) or [{}])[0].get("resources")).get("limits"))
    resources = {"CPU": _quantity(limits.get("cpu", 0)), "GPU": _quantity(limits.get("nvidia.com/gpu", 0))}
    params = as_mapping(group.get("rayStartParams"))
    for kind, name in (("CPU", "num-cpus"), ("GPU", "num-gpus")):
        if re.fullmatch(r"[0-9]+", str(params.get(name, ""))):
            resources[kind] = float(params[name])
    try:
        custom = json.loads(str(params.get("resources", "{}")).strip("'\"").replace("\\", ""))
    except (ValueError, RecursionError):
        custom = {}
    return resources | numbers(custom)


def _quantity(value: object) -> float:
    """Return the number of a Kubernetes quantity without a unit or in thousandths, such as ``4`` or ``500m``."""
    match = re.fullmatch(r"([0-9]+(?:\.[0-9]+)?)(m?)", str(value))
    return float(match[1]) / (1000 if match[2] else 1) if match else 0.0


def is_amount(value: object) -> bool:
    """Return whether a value is a finite number of 0 or more."""
    return isinstance(value, int | float) and not isinstance(value, bool) and 0 <= value <= sys.float_info.max


def numbers(value: object) -> dict[str, float]:
    """Return the entries of a mapping whose values are amounts."""
    return {name: float(count) for name, count in as_mapping(value).items() if is_amount(count)}


def _count(value: object) -> int:
    return max(value, 0) if isinstance(value, int) else 0


def price(prices: dict[str, Any], name: str) -> float | None:
    """Return the price in USD an hour, or None without one."""
    usd = prices.get(name)
    return float(usd) if usd is not None and is_amount(usd) else None
