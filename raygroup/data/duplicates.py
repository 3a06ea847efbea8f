"""``data duplicates``: find images and labels that occur in several data sets."""

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.data.inputs import Subparsers, add_json_argument
from raygroup.data.progress import show_progress
from raygroup.terminal import print_json, print_line

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.scenes.duplicates import Duplicates, SharedLabels

_MAX_COPIES = 3
"""Groups of equal images that are printed."""


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand and its flags."""
    parser = commands.add_parser("duplicates", help="find exact copies of images, and labels that sets have in common")
    parser.set_defaults(run=run)
    parser.add_argument("paths", nargs="+", type=Path, metavar="SET", help="data sets or scene stores, one for each path")
    add_json_argument(parser)


def run(options: argparse.Namespace, out: "Console") -> None:
    """Compare the sets and print what they have in common."""
    from raygroup.data.tables import print_problems
    from raygroup.scenes.duplicates import compare
    from raygroup.scenes.scene import Problems

    problems = Problems()
    with show_progress(out, quiet=options.json) as report:
        duplicates, labels = compare(options.paths, problems, lambda done, total: report("images compared", done, total))
    if options.json:
        print_json({**duplicates.to_json(), "labels": [shared.to_json() for shared in labels]})
        return
    _print_images(duplicates, out)
    for shared in labels:
        print_line(out, _labels_text(shared))
    print_line(out, f"{duplicates.num_images} images; {len(duplicates.copies)} pictures occur more than once")
    print_problems(problems, out)


def _print_images(duplicates: "Duplicates", out: "Console") -> None:
    for name, count in duplicates.within.items():
        print_line(out, f"{name}: {count} images repeat another image of the set")
    for (one, other), count in duplicates.between.items():
        print_line(out, f"{one} and {other}: {count} pictures in both")
    for copies in duplicates.copies[:_MAX_COPIES]:
        sameness = "the same file" if copies.same_bytes else "the same pixels"
        print_line(out, f"  {sameness}: {', '.join(f'{set_name}: {name}' for set_name, name in copies.places)}")


def _labels_text(shared: "SharedLabels") -> str:
    examples = f", most often {', '.join(shared.examples)}" if shared.examples else ""
    counts = " and ".join(f"{count} of {total}" for count, total in zip(shared.instances, shared.of_instances, strict=True))
    return f"{' and '.join(shared.sets)}: {shared.labels} different labels in both ({counts} words{examples})"
