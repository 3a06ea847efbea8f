"""The types and ranges of the values that raygroup reads in a cluster file."""

import json
import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import Any

from raygroup.runtime.planning.clusters.node_types import is_amount
from raygroup.runtime.planning.clusters.yaml_documents import short
from raygroup.runtime.planning.finding import Finding

STORAGE, PRICES = "raygroup/storage-path", "raygroup/usd-per-hour"
"""Annotations of a Kubernetes file. Its ``metadata`` accepts no other names of our own."""
_ANY_NAME = "*"


@dataclass(frozen=True)
class _Shape:
    """The values that are allowed at a place."""

    right: str
    accepts: Callable[[Any], bool]
    below: Mapping[str, "_Shape"] = field(default_factory=dict)
    """Name -> what is allowed there. ``*`` stands for all other names, or for the items of a list."""


def check_values(content: dict[str, Any], *, on_kubernetes: bool) -> Iterator[Finding]:
    """Yield a finding for every value of a type or size that raygroup cannot use."""
    yield from _check(content, _kubernetes(content) if on_kubernetes else _RAY_UP, "")


def prices_in_text(text: object) -> Any:
    """Return the JSON of the annotation with prices. Text that is no JSON stays as it is."""
    try:
        return json.loads(text) if isinstance(text, str) else text
    except (ValueError, RecursionError):
        return text


def _check(value: object, shape: _Shape, at: str) -> Iterator[Finding]:
    if not shape.accepts(value):
        yield Finding(at, f"the value is {short(value)}", shape.right)
    elif isinstance(value, dict):
        for name, below in value.items():
            below_shape = shape.below.get(name, shape.below.get(_ANY_NAME))
            if below_shape:
                yield from _check(below, below_shape, f"{at}.{name}" if at else name)
    elif isinstance(value, list) and _ANY_NAME in shape.below:
        for number, item in enumerate(value):
            yield from _check(item, shape.below[_ANY_NAME], f"{at}[{number}]")


def _mapping(below: Mapping[str, _Shape]) -> _Shape:
    return _Shape("a mapping (name: value)", lambda value: value is None or isinstance(value, dict), below)


def _list(item: _Shape) -> _Shape:
    return _Shape("a list", lambda value: value is None or isinstance(value, list), {_ANY_NAME: item})


def _is_whole(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_price_text(text: object) -> bool:
    prices = prices_in_text(text)
    return isinstance(text, str) and isinstance(prices, dict) and all(map(is_amount, prices.values()))


_TEXT = _Shape("text", lambda value: value is None or isinstance(value, str))
_AMOUNT = _Shape("a number of 0 or more", is_amount)
_PRICE = _Shape("a price in dollars an hour, 0 or more", is_amount)
_COUNT = _Shape("a whole number of 0 or more", lambda value: _is_whole(value) and value >= 0)
_WHOLE = _Shape("a whole number", _is_whole)
_QUANTITY = _Shape(
    "a quantity of 0 or more, such as 4, 500m or 8Gi",
    lambda value: is_amount(value) or re.fullmatch(r"[0-9]+(\.[0-9]+)?(m|[kMGTPE]i?)?", str(value)) is not None,
)
_LINES = _list(_TEXT)
_RESOURCES = _mapping({_ANY_NAME: _AMOUNT})
_NODE = _mapping({
    "resources": _RESOURCES, "min_workers": _COUNT, "max_workers": _COUNT, "priority": _WHOLE,
    "node_config": _mapping({"InstanceMarketOptions": _mapping({}), "InstanceType": _TEXT}), "docker": _mapping({}),
})  # fmt: skip
_RAY_UP = _mapping({
    "metadata": _mapping({"storage_path": _TEXT, "usd_per_hour": _mapping({_ANY_NAME: _PRICE}), "resources": _RESOURCES}),
    "max_workers": _COUNT, "head_node_type": _TEXT, "available_node_types": _mapping({_ANY_NAME: _NODE}),
    "provider": _mapping({"worker_ips": _LINES, "region": _TEXT, "availability_zone": _TEXT}), "auth": _mapping({}),
    "docker": _mapping({"image": _TEXT, "run_options": _LINES}), "file_mounts": _mapping({_ANY_NAME: _TEXT}), "setup_commands": _LINES,
    "head_start_ray_commands": _LINES, "worker_start_ray_commands": _LINES,
})  # fmt: skip
_CONTAINER = _mapping({"image": _TEXT, "resources": _mapping({"limits": _mapping({_ANY_NAME: _QUANTITY})}), "env": _list(_mapping({}))})
_POD = _mapping({"spec": _mapping({"containers": _list(_CONTAINER), "nodeSelector": _mapping({})})})
_HEAD = _mapping({"rayStartParams": _mapping({}), "template": _POD})
_GROUP = _mapping({
    "groupName": _TEXT, "replicas": _COUNT, "minReplicas": _COUNT, "maxReplicas": _COUNT, "priority": _WHOLE,
    "rayStartParams": _mapping({}), "template": _POD,
})  # fmt: skip
_CLUSTER = {"headGroupSpec": _HEAD, "workerGroupSpecs": _list(_GROUP), "authOptions": _mapping({}), "autoscalerOptions": _mapping({})}
_PRICE_TEXT = _Shape("JSON text such as '{\"head\": 0.1}', with prices in dollars an hour, 0 or more", _is_price_text)
_METADATA = _mapping({"annotations": _mapping({STORAGE: _TEXT, PRICES: _PRICE_TEXT})})


def _kubernetes(content: dict[str, Any]) -> _Shape:
    is_job = content.get("kind") == "RayJob"
    spec = {"rayClusterSpec": _mapping(_CLUSTER), "entrypoint": _TEXT, "runtimeEnvYAML": _TEXT} if is_job else _CLUSTER
    return _mapping({"metadata": _METADATA, "spec": _mapping(spec)})
