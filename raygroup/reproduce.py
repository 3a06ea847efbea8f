"""``python -m raygroup.reproduce table3``: rebuild a table of the paper from finished sweeps, beside the paper's own.

It never trains. ``table3`` is the command's Python twin.
"""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.errors import ConfigError
from raygroup.files.places import Place, parse_local_path, parse_place, place
from raygroup.terminal import Parser, console, print_json, print_line, run_command

if TYPE_CHECKING:
    from raygroup.tables.table3 import Table3

UNAVAILABLE = {
    "table2": "it needs finished sweeps of 2 to 7 heads with three seeds each, and no search space declares them yet",
    "table4": "it needs stage 3, which raygroup does not have yet",
    "table5": "it needs the spotter and the MLT19 test set, which raygroup does not have yet",
}
"""Tables that raygroup cannot rebuild yet, with the reason."""


def table3(storage_path: Place | str = "runs", sweep: str | None = None) -> "Table3":
    """Return Table 3 from a finished sweep: ours beside the paper's, with the control.

    ``sweep`` is its name; None takes the newest one that fits. Raises ConfigError if there is none.
    """
    from raygroup.tables.table3 import table3 as table3_of

    return table3_of(place(storage_path), sweep)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _reproduce(build_parser().parse_args(arguments)))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(prog="python -m raygroup.reproduce", description=__doc__)
    parser.add_argument("table", choices=("table3", *UNAVAILABLE), help="the table of the paper")
    parser.add_argument("--storage-path", type=parse_place, default=Path("runs"), help="where the sweeps are (default: ./runs)")
    parser.add_argument("--sweep", help="name of the sweep to read (default: the newest finished one that fits)")
    parser.add_argument(
        "--out",
        type=parse_local_path,
        help="folder for pictures and figures (default: the sweep's figures/, or ./figures for a sweep on s3://)",
    )
    parser.add_argument("--json", action="store_true", help="print the table as one JSON object")
    return parser


def _reproduce(options: argparse.Namespace) -> None:
    if options.table in UNAVAILABLE:
        raise ConfigError(f"{options.table} cannot be rebuilt: {UNAVAILABLE[options.table]}")
    _show_table3(table3(options.storage_path, options.sweep), options.out, as_json=options.json)


def _show_table3(table: "Table3", out: Path | None, *, as_json: bool) -> None:

    from raygroup.figures.table_files import write_table3_pictures
    from raygroup.files.atomic import write_bytes
    from raygroup.runtime.progress import progress_bars
    from raygroup.storage.layout import FIGURES_FOLDER
    from raygroup.tables.table3 import table3_json
    from raygroup.tables.table3_text import print_table3

    values = table3_json(table)
    screen = console()
    if as_json:
        print_json(values)
    else:
        print_table3(table, screen)
    sweep_folder = table.sweep.folder
    folder = out or (sweep_folder / FIGURES_FOLDER if isinstance(sweep_folder, Path) else Path(FIGURES_FOLDER))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_bytes(folder / "table3.json", json.dumps(values, indent=1, ensure_ascii=False).encode(), durable=False)
        with progress_bars(console(stderr=True) if as_json else screen, "drawing") as show_progress:
            pictures = write_table3_pictures(table, folder, lambda done, total: show_progress("trials drawn", done, total))
    except OSError as error:
        raise ConfigError(f"--out {folder}: cannot be written: {error}") from error
    if not as_json:
        print_line(screen, f"{len(pictures)} pictures and table3.json in {folder}")


if __name__ == "__main__":
    raise SystemExit(main())
