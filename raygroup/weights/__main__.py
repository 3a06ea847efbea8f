"""``python -m raygroup.weights``: import the weights of a released spotter.

``raygroup.weights.importing.import_checkpoint`` is the command's Python twin.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import asdict
from typing import TYPE_CHECKING

from raygroup.files.places import parse_local_path
from raygroup.terminal import Parser, console, print_json, print_line, print_table, run_command, table

if TYPE_CHECKING:
    from raygroup.weights.importing import ImportedSpotter


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> None:
    from raygroup.weights.importing import import_checkpoint

    imported = import_checkpoint(options.file, options.maps, options.out, options.tasks)
    if options.json:
        print_json({**asdict(imported), "folder": str(imported.folder)})
    else:
        _print_spotter(imported)


def _print_spotter(imported: "ImportedSpotter") -> None:
    out = console()
    rows = table("head", "bank", "classes", "characters", right=("bank", "classes", "characters"))
    for head in imported.heads:
        rows.add_row(head.name, str(head.bank), f"{head.classes:,}", f"{head.characters:,}")
    print_table(out, f"{imported.parameters:,} weights, in {imported.folder}", rows)
    print_line(out, f"tasks: {' '.join(imported.tasks)}")
    print_line(out, "grouping: R_TM of the checkpoint" if imported.grouped else "grouping: none in the checkpoint, so head i reads task i")


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.weights", description="Import the weights of a released spotter.",
        epilog="exit codes: 0 written, 2 bad input, such as a weight without a place",
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    importing = commands.add_parser("import", help="write a released checkpoint as safetensors and charsets")
    importing.add_argument("file", metavar="FILE", type=parse_local_path, help="a checkpoint: .pth, or .safetensors with the same names")
    importing.add_argument("out", metavar="OUT", type=parse_local_path, help="the folder to write")
    importing.add_argument(
        "--maps", required=True, type=parse_local_path, metavar="DIR", help="a folder with HEAD.json, the classes of each head's characters"
    )
    importing.add_argument(
        "--tasks", nargs="+", metavar="TASK", help="the outputs of the language predictor, in order (default: the names of the heads)"
    )
    importing.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
