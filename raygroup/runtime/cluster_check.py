"""``python -m raygroup.cluster check``: what would fail, cost or leak once a cluster file is used, found before it is."""

import re
import sys
from argparse import ArgumentParser
from collections.abc import Iterator
from importlib.metadata import version
from pathlib import Path

from raygroup.runtime import cluster_kubernetes, cluster_ray_up
from raygroup.runtime.cluster_file import KUBERNETES, ClusterFile, read_cluster
from raygroup.runtime.cluster_keys import Row

_IMAGE = re.compile(r"rayproject/ray(?:-ml)?:(?P<ray>\d+\.\d+\.\d+)(?:[.\w]*)-py(?P<major>\d)(?P<minor>\d+)")


def problems(path: Path, flags: ArgumentParser) -> list[Row]:
    """Every problem of a file, in its order; none where it is fit to use. ``flags`` are those of the sweep command, which a file may start.
    Raises ConfigError for what is no cluster file."""
    found = read_cluster(path)
    rules = cluster_kubernetes.rules(found, flags) if found.kind == KUBERNETES else cluster_ray_up.rules(found)
    rows = [*rules, *_prices(found), *_fallback(found)]
    return list(dict.fromkeys(rows))


def wrong_image(image: object, at: str) -> Iterator[Row]:
    """An image that may be another one tomorrow, or whose Ray or Python cannot talk to the ones here."""
    said, ours = str(image or ""), f"{sys.version_info.major}{sys.version_info.minor}"
    right = f"rayproject/ray:{version('ray')}-py{ours}-gpu, or your own image made from it, with its tag or digest"
    name, _, tag = said.rpartition("/")[2].partition(":")
    if not said:
        yield Row(at, "no image: machines would run whatever they find", right)
    elif "@sha256:" not in said and (not tag or tag.startswith(("latest", "nightly"))):
        yield Row(at, f"{said!r} is another image whenever it is pulled", right)
    elif (match := _IMAGE.match(said)) and (match["ray"] != version("ray") or match["major"] + match["minor"] != ours):
        theirs = f"Ray {match['ray']} with Python {match['major']}.{match['minor']}"
        here = f"Ray {version('ray')} with Python {sys.version_info.major}.{sys.version_info.minor}"
        yield Row(at, f"{theirs}, but this machine has {here}: they must be the same everywhere", right)


def _prices(found: ClusterFile) -> Iterator[Row]:
    at = "metadata.annotations.raygroup/usd-per-hour" if found.kind == KUBERNETES else "metadata.usd_per_hour"
    lacking = [node.name for node in found.node_types if node.usd_per_hour is None]
    if lacking:
        yield Row(at, f"no price of {', '.join(lacking)}: no sweep could be priced, and --budget not be kept", "dollars an hour for each")


def _fallback(found: ClusterFile) -> Iterator[Row]:
    at = "spec.rayClusterSpec.workerGroupSpecs" if found.kind == KUBERNETES else "available_node_types"
    if found.workers and all(node.spot for node in found.workers):
        yield Row(
            at, "spot machines alone: where there are none, a sweep stands still", "a second type of node, on demand, with fewer machines"
        )
