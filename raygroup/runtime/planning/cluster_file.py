"""Read the three kinds of cluster files.

They are files for ``ray up`` on AWS, for ``ray up`` on local machines, and for Kubernetes (a RayJob
or RayCluster of KubeRay).
"""

import json
from collections.abc import Mapping
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
from raygroup.values import DEVICES, USD

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
    prices: Mapping[str, Any]
    """US dollars an hour by node type, as the file gives them."""

    @property
    def workers(self) -> tuple[NodeType, ...]:
        return tuple(node for node in self.node_types if not node.head)


def read_cluster_file(path: Path) -> ClusterFile:
    """Read a cluster file. Raises ConfigError, with file and line, if it is not YAML or not a cluster file."""
    try:
        documents = _documents(path.read_bytes().decode("utf-8-sig"))
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"{path}: not readable: {error}") from error
    except YamlError as error:
        raise ConfigError(f"{path}{error}") from error
    for content in documents:
        if isinstance(content, dict) and str(content.get("apiVersion", "")).startswith("ray.io/"):
            return _require_numbers(_read_kubernetes(path, content))
        if isinstance(content, dict) and isinstance(content.get("provider"), dict):
            return _require_numbers(_read_ray_up(path, content))
    raise ConfigError(f"{path}: not a cluster file: it has neither a 'provider' (ray up) nor an 'apiVersion: ray.io/v1' (Kubernetes)")


class YamlError(Exception):
    """A text is not YAML. The message begins with the line, such as ``:3: not YAML: ...``."""


def _documents(text: str) -> list[Any]:
    """Return the documents of a YAML text that are not empty. Raises YamlError."""
    import yaml

    try:
        return [document for document in yaml.load_all(text, _loader()) if document]
    except yaml.reader.ReaderError as error:
        raise YamlError(f":{text.count(chr(10), 0, error.position) + 1}: not YAML: it has the character U+{error.character:04X}") from error
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        raise YamlError(f"{f':{mark.line + 1}' if mark else ''}: not YAML: {getattr(error, 'problem', error)}") from error
    except RecursionError as error:
        raise YamlError(": not YAML of a cluster file: it is nested too deeply") from error


def _loader() -> Any:
    """Return a safe YAML loader that refuses repeated names, of which Ray would silently use the second.

    It also refuses names that are no text, and names the line of a value that its tag does not fit.
    """
    import yaml

    class Loader(yaml.SafeLoader):  # type: ignore[misc]
        def compose_mapping_node(self, anchor: Any) -> Any:
            node = super().compose_mapping_node(anchor)
            names: set[str] = set()
            for name, _ in node.value:
                if name.tag not in ("tag:yaml.org,2002:str", "tag:yaml.org,2002:merge"):
                    shown = repr(name.value)[:60] if isinstance(name.value, str) else "of a list or a mapping"
                    problem = f"the name {shown} must be a text, in quotes if it looks like a number"
                    raise yaml.composer.ComposerError(None, None, problem, name.start_mark)
                if name.value in names:
                    raise yaml.composer.ComposerError(None, None, f"{name.value!r} occurs twice", name.start_mark)
                names.add(name.value)
            return node

        def construct_object(self, node: Any, deep: bool = False) -> Any:
            try:
                return super().construct_object(node, deep)
            except (ValueError, TypeError, AttributeError, LookupError, ArithmeticError) as error:
                tag = str(node.tag).rpartition(":")[2]
                raise yaml.constructor.ConstructorError(None, None, f"{node.value!r:.60} is no {tag}", node.start_mark) from error

    return Loader


def _require_numbers(cluster: ClusterFile) -> ClusterFile:
    """Raise ConfigError for a price or a number of devices that cannot be one."""
    for name, usd in cluster.prices.items():
        if usd is not None:
            USD.require(f"{cluster.path}: the price of {name}", usd)
    for node in cluster.node_types:
        for kind, count in node.resources.items():
            DEVICES.require(f"{cluster.path}: {kind} of {node.name}", count)
    return cluster


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
    return ClusterFile(path, str(kind), content, tuple(nodes), _text(metadata.get("storage_path")), prices)


def _read_kubernetes(path: Path, content: dict[str, Any]) -> ClusterFile:
    if content.get("kind") not in ("RayJob", "RayCluster"):
        raise ConfigError(f"{path}: kind is {content.get('kind')!r}: it must be RayJob or RayCluster")
    annotations, spec = as_mapping(as_mapping(content.get("metadata")).get("annotations")), ray_cluster_spec(content)
    try:
        prices = as_mapping(json.loads(annotations.get(PRICES, "{}")))
    except (TypeError, ValueError, RecursionError) as error:
        raise ConfigError(f"{path}: metadata.annotations.{PRICES}: not JSON: {error}") from error
    nodes = [kubernetes_head(as_mapping(spec.get("headGroupSpec")), prices)]
    nodes += [kubernetes_worker(as_mapping(group), prices) for group in as_list(spec.get("workerGroupSpecs"))]
    return ClusterFile(path, KUBERNETES, content, tuple(nodes), _text(annotations.get(STORAGE)), prices)


def _text(value: object) -> str | None:
    return None if value is None else str(value)
