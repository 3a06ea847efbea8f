"""``python -m raygroup.reproduce table3``: a table of the paper from finished sweeps, ours beside the paper's. It never trains."""

import argparse
import json
from collections.abc import Sequence
from pathlib import Path

from raygroup.errors import ConfigError
from raygroup.files.places import Place, place_named
from raygroup.terminal import console, refuse

MISSING = {
    "table2": "needs finished sweeps of 2 to 7 heads, three seeds each, and their search space: not there yet",
    "table4": "needs heads of different sizes in one trial: not there yet",
    "table5": "needs the spotter and the MLT19 test set: not there yet",
}
"""Tables that cannot be made yet, and why."""


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    try:
        if given.table in MISSING:
            raise ConfigError(f"{given.table} {MISSING[given.table]}")
        return _table3(given.storage_path, given.sweep, given.out)
    except ConfigError as error:
        return refuse(error)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m raygroup.reproduce", description=__doc__)
    parser.add_argument("table", choices=("table3", *MISSING), help="which table of the paper")
    parser.add_argument("--storage-path", type=place_named, default=Path("runs"), help="where the sweeps are (default: ./runs)")
    parser.add_argument("--sweep", help="name of the sweep to read (default: the newest finished one that fits)")
    parser.add_argument(
        "--out",
        type=Path,
        help="folder for pictures and figures (default: figures/ in the sweep's folder, ./figures where that is in an object store)",
    )
    return parser


def _table3(storage: Place, name: str | None, out: Path | None) -> int:
    from raygroup.figures.table_files import write_table3_pictures
    from raygroup.tables.table3 import plain, table3
    from raygroup.tables.table3_text import print_table3

    found = table3(storage, name)
    terminal = console()
    print_table3(found, terminal)
    within = found.sweep.folder
    folder = out or (within / "figures" if isinstance(within, Path) else Path("figures"))
    try:
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "table3.json").write_text(json.dumps(plain(found), indent=1, ensure_ascii=False), encoding="utf-8")
        pictures = write_table3_pictures(found, folder)
    except OSError as error:
        raise ConfigError(f"--out {folder}: cannot be written: {error}") from error
    terminal.print(f"{len(pictures)} pictures and table3.json in {folder}", soft_wrap=True, markup=False)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
