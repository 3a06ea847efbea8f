"""``python -m raygroup.cluster``: check a cluster file, prepare AWS, watch for spot notices, or run a job."""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING

from rich.markup import escape

from raygroup.cluster.job import add_arguments as add_job_arguments
from raygroup.cluster.job import run_job
from raygroup.cluster.watch_notices import add_arguments, watch_notices
from raygroup.errors import BAD_INPUT, DONE
from raygroup.files.places import parse_local_path
from raygroup.terminal import Parser, console, print_json, print_line, print_table, run_command, table

if TYPE_CHECKING:
    from raygroup.runtime.planning.finding import Finding


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""

    def run() -> int | None:
        options = build_parser().parse_args(arguments)
        exit_code: int | None = options.run(options)
        return exit_code

    return run_command(run)


def _check(options: argparse.Namespace) -> int:
    from raygroup.__main__ import COMMANDS, command_module
    from raygroup.cluster.check import check_cluster_file

    def parser_of(name: str) -> argparse.ArgumentParser | None:
        return command_module(name).build_parser() if name in COMMANDS else None

    result = check_cluster_file(options.file, parser_of, list(COMMANDS))
    for remark in result.remarks:
        print(f"raygroup: {remark}", file=sys.stderr)
    if options.json:
        print_json([asdict(finding) for finding in result.findings], indent=1)
    else:
        _print_findings(options.file, result.findings)
    return BAD_INPUT if result.findings else DONE


def _print_findings(file: Path, findings: "Sequence[Finding]") -> None:
    out = console()
    if not findings:
        print_line(out, f"{file}: no problem found")
        return
    rows = table("line", "path", "problem", "instead", right=("line",))
    for finding in findings:
        rows.add_row(str(finding.line), *map(escape, (finding.path, finding.problem, finding.instead)))
    print_table(out, f"{file}: {len(findings)} problem{'s' if len(findings) > 1 else ''}", rows)


def _prepare(options: argparse.Namespace) -> None:
    from raygroup.cluster.prepare import as_yaml, prepare

    prepared = prepare(
        options.name, options.region, options.ssh_from, bucket=options.bucket, prefix=options.prefix, vpc=options.vpc,
        dry_run=options.dry_run,
    )  # fmt: skip
    if options.json:
        print_json(asdict(prepared), indent=1)
    else:
        print(as_yaml(prepared))
    if options.dry_run:
        print("raygroup: nothing was created or changed (--dry-run)", file=sys.stderr)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.cluster", description="Check a cluster file, prepare AWS, watch for spot notices, or run a job.",
        epilog="exit codes: 0 the file is fit, AWS is prepared, or the node is being drained; 2 bad input or problems in the file; "
        "130 interrupted; job ends with the exit code of its command",
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    check = commands.add_parser("check", help="find what would fail, cost money or leak if a cluster file is used; it starts nothing")
    check.set_defaults(run=_check)
    check.add_argument("file", type=parse_local_path, help="a file for ray up (aws, local), or a RayJob or RayCluster of Kubernetes")
    check.add_argument("--json", action="store_true", help="print a JSON list of objects with path, problem, instead and line")
    _add_prepare(commands.add_parser("prepare", help="create the security group and the roles that an AWS cluster needs, once"))
    watch = commands.add_parser(
        "watch", help="wait on a spot instance until EC2 takes it back, then drain its Ray node",
        description="Wait on a spot instance until EC2 gives notice that it takes the instance back. Then have Ray drain its node, so "
        "that trials write a checkpoint and continue elsewhere. Start this on the instance after 'ray start'. It ends with exit code 0 "
        "once the node is being drained.",
    )  # fmt: skip
    watch.set_defaults(run=watch_notices)
    add_arguments(watch)
    job = commands.add_parser(
        "job", help="run a command as the entrypoint of a RayJob, which is not retried if its input is bad",
        description="Run a command as the entrypoint of a RayJob on Kubernetes. If the command ends with exit code 2 (bad input), the Ray "
        "job is stopped, so that KubeRay does not retry it. Any other exit code is passed on.",
    )  # fmt: skip
    job.set_defaults(run=run_job)
    add_job_arguments(job)
    return parser


def _add_prepare(prepare: argparse.ArgumentParser) -> None:
    prepare.set_defaults(run=_prepare)
    prepare.add_argument("--name", default="raygroup", help="the cluster_name of the file (default: raygroup)")
    prepare.add_argument("--region", default="us-west-2", help="the region of the file (default: us-west-2)")
    prepare.add_argument(
        "--ssh-from", action="append", required=True, metavar="CIDR", help="addresses that may use ssh, such as 203.0.113.7/32; repeatable"
    )
    prepare.add_argument("--bucket", required=True, help="the bucket of the storage path")
    prepare.add_argument("--prefix", default="raygroup", help="the folder in the bucket (default: raygroup)")
    prepare.add_argument("--vpc", help="id of the network (default: the region's default one)")
    prepare.add_argument("--dry-run", action="store_true", help="print what would be created or changed, and change nothing")
    prepare.add_argument("--json", action="store_true", help="print ids, names and changes as one JSON object, not lines for the file")


if __name__ == "__main__":
    raise SystemExit(main())
