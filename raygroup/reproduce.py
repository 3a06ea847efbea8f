"""``python -m raygroup.reproduce table2``: rebuild a table of the paper from finished sweeps, beside the paper's own.

It never trains. ``strategies`` is no table of the paper: it compares ways to choose a grouping. ``table2`` to ``table5`` and ``strategies``
are the command's Python twins. ``table5 --scenes`` first scores trials end to end.
"""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import ConfigError
from raygroup.files.places import Place, parse_local_path, parse_place, place
from raygroup.terminal import Parser, console, print_json, print_line, run_command
from raygroup.values import COUNT

if TYPE_CHECKING:
    from raygroup.figures.reproduced.opened_table import OpenedTable
    from raygroup.tables.reproduced.table2 import Table2
    from raygroup.tables.reproduced.table4 import Table4
    from raygroup.tables.reproduced.table5 import Table5
    from raygroup.tables.strategies.strategy_table import StrategyTable
    from raygroup.tables.table3 import Table3

TABLES = ("table2", "table3", "table4", "table5", "strategies")
_SETTLE_HELP = "table2: steps that a last grouping must have stood (default: 500, or 100 for runs below 3,000 steps)"


def table2(storage_path: Place | str = "runs", sweep: str | None = None, settle: int | None = None) -> "Table2":
    """Return Table 2 from a sweep over numbers of heads and seeds: groups beside the paper's, and how far seeds agree.

    ``sweep`` is its name; None takes the newest finished one that fits. A run is unstable if its last grouping has stood for fewer than
    ``settle`` steps. Raises ConfigError if no sweep fits.
    """
    from raygroup.tables.reproduced.table2 import table2 as table2_of

    if settle is not None:
        COUNT.require("settle", settle)
    return table2_of(place(storage_path), sweep, settle)


def table3(storage_path: Place | str = "runs", sweep: str | None = None) -> "Table3":
    """Return Table 3 from a finished sweep: ours beside the paper's, with the control.

    ``sweep`` is its name; None takes the newest one that fits. Raises ConfigError if there is none.
    """
    from raygroup.tables.table3 import table3 as table3_of

    return table3_of(place(storage_path), sweep)


def table4(storage_path: Place | str = "runs", sweep: str | None = None) -> "Table4":
    """Return Table 4: the paper's heads recomputed, and ours from a sweep with heads of different sizes.

    ``sweep`` is its name; None takes the newest finished one that fits, or none. Raises ConfigError if a named sweep does not fit.
    """
    from raygroup.tables.reproduced.table4 import table4 as table4_of

    return table4_of(place(storage_path), sweep)


def table5(storage_path: Place | str = "runs", sweep: str | None = None) -> "Table5":
    """Return Table 5 from a sweep over arrangements of heads.

    It has stage 3 if another sweep goes on from it. ``sweep`` is its name; None takes the newest finished one that fits. Raises ConfigError
    if no sweep fits.
    """
    from raygroup.tables.reproduced.table5 import table5 as table5_of

    return table5_of(place(storage_path), sweep)


def strategies(storage_path: Place | str = "runs", sweep: str | None = None) -> "StrategyTable":
    """Return how good every strategy's groupings are at every number of heads, from a sweep that trained a head for every group.

    ``sweep`` is its name; None takes the newest finished one. Raises ConfigError if none fits, or if fewer than two of its seeds have a
    head for every group.
    """
    from raygroup.tables.strategies.strategy_table import strategy_table

    return strategy_table(place(storage_path), sweep)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _reproduce(build_parser().parse_args(arguments)))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(prog="python -m raygroup.reproduce", description=__doc__)
    parser.add_argument("table", choices=(*TABLES, "all"), help="the table of the paper, strategies, or all that can be made")
    parser.add_argument("name", nargs="?", metavar="SWEEP", help="the same as --sweep SWEEP")
    parser.add_argument("--storage-path", type=parse_place, default=Path("runs"), help="where the sweeps are (default: ./runs)")
    parser.add_argument("--sweep", help="name of the sweep to read (default: the newest finished one that fits)")
    parser.add_argument("--settle", type=COUNT.parse, help=_SETTLE_HELP)
    parser.add_argument(
        "--scenes", type=parse_local_path, metavar="PATH", help="table5: labelled scenes on which every trial is scored end to end first"
    )
    parser.add_argument(
        "--detector", help="table5: spotter, weights file or trial that finds the words of the scenes (default: the shipped one)"
    )
    parser.add_argument(
        "--out",
        type=parse_local_path,
        help="folder for tables and pictures (default: the sweep's figures/, or ./figures for a sweep on s3://)",
    )
    parser.add_argument("--json", action="store_true", help="print the table as one JSON object")
    return parser


def _reproduce(options: argparse.Namespace) -> None:
    if options.name and options.sweep and options.name != options.sweep:
        raise ConfigError(f"two sweeps are named, {options.name} and {options.sweep}: name one")
    options.sweep = options.sweep or options.name
    if options.settle is not None and options.table not in ("table2", "all"):
        raise ConfigError(f"--settle {options.settle}: only table2 uses it")
    _score_end_to_end(options)
    if options.table != "all":
        values = _show(options.table, options)
        if options.json:
            print_json(values)
    else:
        _show_all(options)


def _score_end_to_end(options: argparse.Namespace) -> None:
    """Score the trials of Table 5 on ``--scenes``, if any are given: those of stage 2, and those that go on from them."""
    if options.scenes is None and options.detector is None:
        return
    if options.table != "table5":
        raise ConfigError("--scenes, --detector: only table5 uses them")
    if options.scenes is None:
        raise ConfigError(f"--detector {options.detector}: it finds words in scenes: name some with --scenes")
    from raygroup.end_to_end.console_report import report_end_to_end
    from raygroup.storage.sweeps import read_sweeps
    from raygroup.tables.arrangements.stages import later_sweep
    from raygroup.tables.reproduced.table5 import arranged_sweep

    sweeps = read_sweeps(options.storage_path)
    try:
        stage2 = arranged_sweep(sweeps, options.storage_path, options.sweep)
        names = [sweep.name for sweep in (stage2, later_sweep(sweeps, stage2)[0]) if sweep]
    except ConfigError:
        if options.sweep is None:
            raise
        names = [options.sweep]  # its trials can be scored, though it makes no table
    for name in names:
        report_end_to_end(options.storage_path, name, options.scenes, options.detector, on_stderr=options.json)


def _show_all(options: argparse.Namespace) -> None:
    """Show every table that can be made. A line says why another cannot."""
    if options.sweep:
        raise ConfigError(f"all: each table has a sweep of its own, so none can be named; leave {options.sweep} out, or name one table")
    values: dict[str, Any] = {}
    reasons: dict[str, str] = {}
    for name in TABLES:
        try:
            values[name] = _show(name, options)
        except ConfigError as error:
            reasons[name] = str(error)
    if options.json:
        print_json({**values, "not_made": reasons})
        return
    for name, reason in sorted(reasons.items()):
        print_line(console(), f"\n{name} cannot be rebuilt: {reason}")


def _show(name: str, options: argparse.Namespace) -> dict[str, Any]:
    """Print a table unless JSON is wanted, write its files and return its values."""
    from raygroup.figures.reproduced.opened_table import open_table

    opened = open_table(name, options.storage_path, options.sweep, options.settle)
    if not options.json:
        opened.show(console())
    folder = options.out or (opened.sweep.figures_folder if opened.sweep else None)
    if folder is not None:
        _write_files(opened, folder, quiet=options.json)
    return opened.report.values


def _write_files(opened: "OpenedTable", folder: Path, *, quiet: bool) -> None:
    from raygroup.runtime.progress import progress_bars
    from raygroup.tables.sheets.sheet_files import write_sheet_files

    try:
        files = write_sheet_files(opened.report, folder)
        with progress_bars(console(stderr=quiet), "drawing") as show_progress:
            pictures = opened.draw(folder, lambda done, total: show_progress(f"{opened.drawn} drawn", done, total))
    except OSError as error:
        raise ConfigError(f"--out {folder}: cannot be written: {error}") from error
    if not quiet:
        print_line(console(), f"{len(files)} files of {opened.report.name} and {len(pictures)} pictures in {folder}")


if __name__ == "__main__":
    raise SystemExit(main())
