"""Wait for EC2's notice on a spot instance, then drain its node.

Ray then tells the workers on the node. They write a checkpoint, and their trials continue on other
nodes before the instance goes.
"""

import argparse
import sys

from raygroup.cluster.spot_notice import METADATA_URL, Metadata, wait_for_notice
from raygroup.errors import ConfigError
from raygroup.values import NOTICE_SECONDS

_REASON = "a spot instance is taken back"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the flags of ``watch`` to its parser."""
    parser.add_argument(
        "--metadata-url", default=METADATA_URL, metavar="URL", help="the instance metadata service (default: %(default)s, as on EC2)"
    )  # fmt: skip
    parser.add_argument(
        "--every",
        type=NOTICE_SECONDS.parse,
        default=5.0,
        metavar="S",
        help="seconds between two requests, at most 60 (default: %(default)g)",
    )
    parser.add_argument("--address", default="auto", help="the Ray cluster (default: the one that this machine joined with 'ray start')")
    parser.add_argument("--node-id", metavar="ID", help="the node to drain, if this machine runs several")


def watch_notices(options: argparse.Namespace) -> None:
    """Wait for a notice and drain this machine's node.

    Raises ConfigError if a flag is wrong, or if the node is not found or cannot be drained.
    """
    if not options.metadata_url.startswith(("http://", "https://")):
        raise ConfigError(f"--metadata-url is {options.metadata_url!r}: it must begin with http:// or https://")
    from raygroup.runtime.on_ray.drain import RayNode, drain_node

    node = RayNode(options.address, options.node_id)
    _report(f"watching {options.metadata_url} for node {node.node_id[:12]} of the cluster at {node.head}")
    notice = wait_for_notice(Metadata(options.metadata_url), options.every, _report)
    node_id = drain_node(options.address, options.node_id, notice.at, f"{_REASON}: {notice.action}")
    _report(f"EC2 will {notice.action} this instance: node {node_id[:12]} is being drained")


def _report(line: str) -> None:
    print(f"raygroup: {line}", file=sys.stderr, flush=True)
