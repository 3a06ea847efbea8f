"""``python -m raygroup.cluster check|prepare``: whether a cluster file is fit to use, and what must be there before it is."""

import argparse
import json
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from rich.markup import escape

from raygroup.errors import ConfigError
from raygroup.terminal import console, refuse, show, table

FIT, BAD_INPUT, INTERRUPTED = 0, 2, 130


def main(arguments: Sequence[str] | None = None) -> int:
    asked = flags().parse_args(arguments)
    try:
        return _check(asked.file, as_json=asked.json) if asked.command == "check" else _prepare(asked)
    except ConfigError as error:
        return refuse(error)
    except KeyboardInterrupt:
        return INTERRUPTED


def _check(path: Path, *, as_json: bool) -> int:
    from raygroup.cluster.check import problems
    from raygroup.sweep import flags as sweep_flags

    found = problems(path, sweep_flags())
    if as_json:
        print(json.dumps([asdict(row) for row in found], indent=1))
        return BAD_INPUT if found else FIT
    out = console()
    if not found:
        out.print(f"{path}: nothing wrong found", soft_wrap=True, markup=False)
        return FIT
    rows = table("path", "problem", "instead")
    for row in found:
        rows.add_row(*map(escape, (row.path, row.problem, row.instead)))
    show(out, f"{path}: {len(found)} problem{'s' if len(found) > 1 else ''}", rows)
    return BAD_INPUT


def _prepare(asked: argparse.Namespace) -> int:
    from raygroup.cluster.prepare import as_yaml, prepare

    made = prepare(asked.name, asked.region, asked.ssh_from, bucket=asked.bucket, prefix=asked.prefix, vpc=asked.vpc, dry_run=asked.dry_run)
    print(json.dumps(asdict(made), indent=1) if asked.json else as_yaml(made))
    if asked.dry_run:
        print("raygroup: nothing was made (--dry-run)", file=sys.stderr)
    return FIT


def flags() -> argparse.ArgumentParser:
    """The flags of the command."""
    parser = argparse.ArgumentParser(prog="python -m raygroup.cluster", description=__doc__, epilog="exit codes: 0 fit or made, 2 not")
    commands = parser.add_subparsers(dest="command", required=True)
    checking = commands.add_parser("check", help="what would fail, cost or leak once this file is used; nothing is started")
    checking.add_argument("file", type=Path, help="a file for ray up (aws, local), or a RayJob or RayCluster of Kubernetes")
    checking.add_argument("--json", action="store_true", help="rows of path, problem, instead as one JSON list")
    making = commands.add_parser("prepare", help="make the security group and the roles that an AWS cluster needs, once")
    making.add_argument("--name", default="raygroup", help="the cluster_name of the file (default: raygroup)")
    making.add_argument("--region", default="us-west-2", help="the region of the file (default: us-west-2)")
    making.add_argument("--ssh-from", action="append", required=True, metavar="CIDR", help="whence ssh may come, such as 203.0.113.7/32")
    making.add_argument("--bucket", required=True, help="the bucket of the storage path")
    making.add_argument("--prefix", default="raygroup", help="the folder in it (default: raygroup)")
    making.add_argument("--vpc", help="id of the network (default: the default one)")
    making.add_argument("--dry-run", action="store_true", help="say what would be made")
    making.add_argument("--json", action="store_true", help="ids, names and changes as one JSON object, in place of lines for the file")
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
