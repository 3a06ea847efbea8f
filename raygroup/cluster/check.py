"""``python -m raygroup.cluster check``: what would fail, cost or leak once a cluster file is used, found before it is."""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from raygroup.cluster import kubernetes_rules as cluster_kubernetes
from raygroup.cluster import ray_up_rules as cluster_ray_up
from raygroup.cluster.keys import Row
from raygroup.runtime.planning.cluster_file import AWS, KUBERNETES, LOCAL, ClusterFile, read_cluster


def problems(path: Path, flags: ArgumentParser) -> list[Row]:
    """Every problem of a file, in its order; none where it is fit to use. ``flags`` are those of the sweep command, which a file may start.
    Raises ConfigError for what is no cluster file."""
    found = read_cluster(path)
    rules = cluster_kubernetes.rules(found, flags) if found.kind == KUBERNETES else cluster_ray_up.rules(found)
    rows = [*rules, *_prices(found), *_workers(found)]
    return list(dict.fromkeys(rows))


def _prices(found: ClusterFile) -> Iterator[Row]:
    at = "metadata.annotations.raygroup/usd-per-hour" if found.kind == KUBERNETES else "metadata.usd_per_hour"
    lacking = [node.name for node in found.node_types if node.usd_per_hour is None]
    if lacking:
        yield Row(at, f"no price of {', '.join(lacking)}: no sweep could be priced, and --budget not be kept", "dollars an hour for each")


def _workers(found: ClusterFile) -> Iterator[Row]:
    at = {AWS: "available_node_types", LOCAL: "provider.worker_ips"}.get(found.kind, "spec.rayClusterSpec.workerGroupSpecs")
    highest = max((node.priority for node in found.workers if not node.spot), default=None)
    for number, node in enumerate(found.workers):
        if node.spot and highest is not None and node.priority <= highest:
            where = f"{at}[{number}].priority" if found.kind == KUBERNETES else f"{at}.{node.name}.priority"
            problem = f"{node.priority}, and no lower for machines on demand: Ray would start both alike"
            yield Row(where, problem, f"{highest + 1}" + (" (KubeRay 1.7 or newer)" if found.kind == KUBERNETES else ""))
    if not any(node.max_workers for node in found.workers):
        yield Row(at, "no machines that train: the head does not", "a type of node with a GPU, and max_workers")
    elif all(node.spot for node in found.workers):
        yield Row(
            at, "spot machines alone: where there are none, a sweep stands still", "a second type of node, on demand, with fewer machines"
        )
