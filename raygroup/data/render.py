"""``data render``: draw scenes of text with labels."""

import argparse
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.data.inputs import Subparsers, add_json_argument, positive_count
from raygroup.data.progress import show_progress
from raygroup.terminal import print_json, print_line

if TYPE_CHECKING:
    from rich.console import Console

_SHARES = {"curved": 0.15, "rotated": 0.3, "perspective": 0.25}
"""Flag -> its default share of the blocks of text."""


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand and its flags."""
    parser = commands.add_parser("render", help="draw scenes of text in several scripts, with labels; run it again to continue")
    parser.set_defaults(run=run)
    parser.add_argument("out", type=Path, metavar="OUT", help="folder of the scenes")
    parser.add_argument("--scenes", type=positive_count, default=100, metavar="N", help="number of scenes (default: 100)")
    parser.add_argument("--layout", default="mlt19", metavar="NAME", help="layout of the labels (default: mlt19; a wrong name lists all)")
    parser.add_argument("--split", choices=("train", "val", "test"), default="train", help="val and test show words never trained on")
    parser.add_argument("--seed", type=int, default=0, help="the same seed and settings give the same pixels (default: 0)")
    parser.add_argument("--size", type=_pair("x"), default=(640, 480), metavar="WxH", help="pixels (default: 640x480)")
    parser.add_argument("--words", type=_pair("-"), default=(5, 15), metavar="A-B", help="words of a scene (default: 5-15)")
    parser.add_argument("--tasks", type=lambda text: tuple(text.split(",")), metavar="ar,bn,...", help="default: all seven")
    parser.add_argument("--backgrounds", type=Path, metavar="DIR", help="images to write on (default: drawn ones)")
    parser.add_argument("--fonts", type=Path, metavar="DIR", help="a folder of more fonts")
    for name, share in _SHARES.items():
        parser.add_argument(
            f"--{name}", type=float, default=share, metavar="SHARE", help=f"share of the blocks of text (default: {share})"
        )  # fmt: skip
    parser.add_argument("--dont-care", type=float, default=0.1, metavar="SHARE", help="share of unreadable text (default: 0.1)")
    parser.add_argument("--zip", action="store_true", help="also pack the scenes into OUT.zip")
    parser.add_argument("--workers", type=positive_count, metavar="N", help="processes (default: one for each core)")
    add_json_argument(parser)


def run(options: argparse.Namespace, out: "Console") -> None:
    """Draw the scenes that do not exist yet, and print their numbers."""
    from raygroup.runtime.processes import cores, pool
    from raygroup.scenes.layouts.writing import find_layout
    from raygroup.scenes.rendering.dataset import Rendering, render, zip_folder
    from raygroup.scenes.rendering.settings import SceneSettings

    layout = find_layout(options.layout)
    settings = SceneSettings(
        width=options.size[0], height=options.size[1], words=options.words, split=options.split, seed=options.seed,
        backgrounds=options.backgrounds, curved=options.curved, rotated=options.rotated, perspective=options.perspective,
        dont_care=options.dont_care, **({"tasks": options.tasks} if options.tasks else {}),
    )  # fmt: skip
    with show_progress(out, quiet=options.json) as report, pool(options.workers or cores()) as processes:
        rendering = Rendering(options.out, settings, options.layout, options.fonts)
        summary = render(rendering, options.scenes, processes, lambda done, total: report("scenes drawn", done, total))
    if options.zip:
        summary["zip"] = str(zip_folder(options.out))
    if options.json:
        print_json(summary)
        return
    num_present = summary["scenes"] - summary["drawn"]
    drawn = f"{summary['drawn']} drawn" + (f", {num_present} there already" if num_present else "")
    folder = summary.get("zip", summary["out"])
    print_line(out, f"{summary['scenes']} scenes of {summary['words']} words ({drawn}) as {layout.title} in {folder}")


def _pair(separator: str) -> Callable[[str], tuple[int, int]]:
    """Return a function that parses two whole numbers, for argparse."""

    def parse(text: str) -> tuple[int, int]:
        first, _, second = text.partition(separator)
        if not (first.isdigit() and second.isdigit()):
            raise argparse.ArgumentTypeError(f"{text!r} must be two whole numbers with {separator!r} between them")
        return int(first), int(second)

    return parse
