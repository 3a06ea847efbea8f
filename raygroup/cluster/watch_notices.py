"""``python -m raygroup.spot``: waits on a spot instance until EC2 takes it back, then has Ray drain its node, so that trials write a
checkpoint and go on elsewhere. Start it on the instance after ``ray start``; it ends with exit code 0 when the node is being drained."""

import argparse
import sys
from collections.abc import Sequence

from raygroup.errors import ConfigError
from raygroup.terminal import refuse

_INTERRUPTED = 130


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        return _watch(given)
    except ConfigError as error:
        return refuse(error)
    except KeyboardInterrupt:
        return _INTERRUPTED


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser("python -m raygroup.spot", description=__doc__)
    parser.add_argument(
        "--metadata-url", default="http://169.254.169.254", metavar="URL",
        help="the instance metadata service (default: %(default)s, as on EC2)",
    )  # fmt: skip
    parser.add_argument("--every", type=float, default=5.0, metavar="S", help="seconds between two questions (default: %(default)g)")
    parser.add_argument("--address", default="auto", help="the Ray cluster (default: the one that this machine joined with 'ray start')")
    parser.add_argument("--node-id", metavar="ID", help="the node to drain, where this machine runs several (default: its only one)")
    return parser


def _watch(given: argparse.Namespace) -> int:
    if not 0 < given.every <= 60:
        raise ConfigError(f"--every is {given.every:g}: it must be more than 0 and at most 60, since a notice comes 120 s before the end")
    if not given.metadata_url.startswith(("http://", "https://")):
        raise ConfigError(f"--metadata-url is {given.metadata_url!r}: it must begin with http://")
    from raygroup.cluster.spot_notice import Metadata, RayNode, drain, watch

    node = RayNode(given.address, given.node_id)
    _say(f"watching {given.metadata_url} for node {node.node_id[:12]} of the cluster at {node.head}")
    notice = watch(Metadata(given.metadata_url), given.every, _say)
    drained = drain(given.address, given.node_id, notice)
    _say(f"EC2 will {notice.action} this instance: node {drained[:12]} is being drained")
    return 0


def _say(line: str) -> None:
    print(f"raygroup: {line}", file=sys.stderr, flush=True)


if __name__ == "__main__":
    raise SystemExit(main())
