"""``python -m raygroup.report``: write the report of a sweep as one HTML page.

``raygroup.write_report`` is the command's Python twin.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.files.places import parse_local_path, parse_place
from raygroup.terminal import Parser, console, print_json, print_line, print_warning, run_command, size_text

if TYPE_CHECKING:
    from raygroup.report.mlflow_runs import LoggedRuns
    from raygroup.report.page import Report


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> None:
    from raygroup.report.page import write_page
    from raygroup.runs.find import find_sweep
    from raygroup.tables.sweep_result import SweepResult

    result = SweepResult.of(find_sweep(options.sweep, options.storage_path or [Path("runs")]))
    if options.mlflow is None:
        _print(result.name, write_page(result, options.out), None, as_json=options.json)
        return
    from raygroup.report.mlflow_runs import log_runs, require_mlflow

    require_mlflow()
    report = write_page(result, options.out)
    _print(result.name, report, log_runs(result, report.path.read_bytes(), options.mlflow), as_json=options.json)


def _print(name: str, report: "Report", runs: "LoggedRuns | None", *, as_json: bool) -> None:
    if as_json:
        values: dict[str, Any] = {"name": name, "report": str(report.path), "bytes": report.bytes, "missing": [*report.missing]}
        mlflow = None if runs is None else {"experiment": runs.experiment, "new": [*runs.new], "known": [*runs.known]}
        print_json({**values, "mlflow": mlflow})
        return
    for line in report.missing:
        print_warning(line)
    out = console()
    print_line(out, f"{report.path} ({size_text(report.bytes)})")
    if runs is not None:
        print_line(out, f"MLflow experiment {runs.experiment}: {len(runs.new)} new runs, {len(runs.known)} that were there got the report")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.report",
        description="Write the report of a sweep as one HTML page: what was asked, what came out, what it cost, and which trial to ship.",
        epilog="exit codes: 0 written, 2 bad input, such as a sweep that does not exist",
    )  # fmt: skip
    parser.add_argument("sweep", metavar="SWEEP", help="name of a sweep, as 'python -m raygroup.runs list' shows it")
    parser.add_argument(
        "--out", type=parse_local_path, metavar="FILE", help="the file to write (default: report.html in the sweep's folder)"
    )
    parser.add_argument(
        "--mlflow", metavar="URI",
        help="also log each finished trial to this MLflow server or store, once: settings, scores and the report; needs raygroup[mlflow]",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--storage-path", action="append", type=parse_place, metavar="STORAGE", help="where to look for SWEEP; repeatable (default: ./runs)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
