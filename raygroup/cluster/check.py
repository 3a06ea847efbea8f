"""Check a cluster file before it is used.

The check finds what would fail, cost money or leak.
"""

from argparse import ArgumentParser
from collections.abc import Iterator
from pathlib import Path

from raygroup.cluster.finding import Finding
from raygroup.cluster.kubernetes_rules import check_kubernetes
from raygroup.cluster.ray_up_rules import check_ray_up
from raygroup.runtime.planning.cluster_file import AWS, KUBERNETES, LOCAL, ClusterFile, read_cluster_file


def check_cluster_file(path: Path, sweep_parser: ArgumentParser) -> list[Finding]:
    """Return every problem of a cluster file.

    ``sweep_parser`` is the parser of the sweep command, which a RayJob may start. Raises
    ConfigError if the file is not a cluster file.
    """
    cluster = read_cluster_file(path)
    findings = check_kubernetes(cluster, sweep_parser) if cluster.kind == KUBERNETES else check_ray_up(cluster)
    return list(dict.fromkeys([*findings, *_check_prices(cluster), *_check_workers(cluster)]))


def _check_prices(cluster: ClusterFile) -> Iterator[Finding]:
    on_kubernetes = cluster.kind == KUBERNETES
    at = "metadata.annotations.raygroup/usd-per-hour" if on_kubernetes else "metadata.usd_per_hour"
    unpriced = ", ".join(node.name for node in cluster.node_types if node.usd_per_hour is None)
    if unpriced:
        problem = f"no price for {unpriced}: a sweep cannot be priced, and --budget cannot be checked"
        yield Finding(at, problem, "a price in dollars per hour for each")


def _check_workers(cluster: ClusterFile) -> Iterator[Finding]:
    """Check that some node trains, that not all are spot, and that spot nodes start first."""
    on_kubernetes = cluster.kind == KUBERNETES
    at = {AWS: "available_node_types", LOCAL: "provider.worker_ips"}.get(cluster.kind, "spec.rayClusterSpec.workerGroupSpecs")
    on_demand = max((node.priority for node in cluster.workers if not node.spot), default=None)
    for number, node in enumerate(cluster.workers):
        if node.spot and on_demand is not None and node.priority <= on_demand:
            path = f"{at}[{number}].priority" if on_kubernetes else f"{at}.{node.name}.priority"
            problem = f"{node.priority} is not above the priority of on-demand nodes ({on_demand}), so Ray would start both kinds alike"
            yield Finding(path, problem, f"{on_demand + 1}" + (" (KubeRay 1.7 or newer)" if on_kubernetes else ""))
    if not any(node.max_workers for node in cluster.workers):
        yield Finding(at, "no node trains, because the head does not", "a node type with a GPU, and max_workers")
    elif all(node.spot for node in cluster.workers):
        problem = "all node types are spot: a sweep stands still while no spot instance is available"
        yield Finding(at, problem, "a second node type, on demand, with fewer nodes")
