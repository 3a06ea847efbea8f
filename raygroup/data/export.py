"""``data export``: write a scene store or a data set in another layout."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.data.inputs import Subparsers, add_json_argument
from raygroup.data.progress import show_progress
from raygroup.terminal import print_json, print_line

if TYPE_CHECKING:
    from rich.console import Console


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand and its flags."""
    parser = commands.add_parser("export", help="write a scene store or a data set in another layout")
    parser.set_defaults(run=run)
    parser.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="a scene store, or folders and archives that belong together")
    parser.add_argument("out", type=Path, metavar="OUT", help="a new folder, or a zip")
    parser.add_argument("--layout", required=True, metavar="NAME", help="coco-text, icdar15, paddleocr, ... (a wrong name lists all)")
    parser.add_argument("--split", choices=("train", "val", "test"), default="train", help="the split in the files' names (default: train)")
    parser.add_argument("--format", metavar="NAME", help="the data set's layout (default: recognise it)")
    parser.add_argument("--zip", action="store_true", help="write OUT.zip")
    add_json_argument(parser)


def run(options: argparse.Namespace, out: "Console") -> None:
    """Write the scenes, and print what the layout cannot hold."""
    from raygroup.data.tables import print_problems
    from raygroup.scenes.exporting import export
    from raygroup.scenes.layouts.writing import find_layout
    from raygroup.scenes.scene import Problems

    layout, problems = find_layout(options.layout), Problems()
    is_zip = options.out.suffix.lower() == ".zip"
    target = options.out.with_name(f"{options.out.name}.zip") if options.zip and not is_zip else options.out
    with show_progress(out, quiet=options.json) as report:
        count = export(
            options.paths, layout, target, problems, lambda done, total: report("scenes written", done, total),
            format_name=options.format, split=options.split,
        )  # fmt: skip
    if options.json:
        print_json({"scenes": count, "layout": layout.name, "out": str(target), "problems": problems.to_json()})
        return
    print_line(out, f"{count} scenes as {layout.title} in {target}; this layout cannot hold: {layout.loses}")
    print_problems(problems, out)
