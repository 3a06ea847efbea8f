"""``python -m raygroup.data render``, ``export`` and ``duplicates``: scenes drawn, written for others, and compared."""

import argparse
import contextlib
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.terminal import say

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.scenes.scene import Problems

_PROBLEMS = 3
"""Shown of each kind."""

Commands = Any
"""What ``add_subparsers`` returns."""


def add_to(commands: Commands) -> None:
    """Adds the three commands; each sets ``run``, which takes the arguments and the console, and raises ConfigError for what cannot be
    done."""
    _add_render(commands)
    _add_export(commands)
    _add_duplicates(commands)


def run_render(given: argparse.Namespace, out: "Console") -> None:
    """Draws the scenes that are not there yet."""
    from raygroup.runtime.processes import cores, pool
    from raygroup.scenes.layouts.writing import layout_named
    from raygroup.scenes.rendering.dataset import Rendering, render, zipped
    from raygroup.scenes.rendering.settings import SceneSettings

    layout = layout_named(given.layout)
    settings = SceneSettings(
        width=given.size[0], height=given.size[1], words=given.words, split=given.split, seed=given.seed, backgrounds=given.backgrounds,
        curved=given.curved, rotated=given.rotated, perspective=given.perspective, dont_care=given.dont_care,
        **({"tasks": given.tasks} if given.tasks else {}),
    )  # fmt: skip
    with telling(out, quiet=given.json) as tell, pool(given.workers or cores()) as processes:
        rendering = Rendering(given.out, settings, given.layout, given.fonts)
        summary = render(rendering, given.scenes, processes, lambda done, of: tell("scenes drawn", done, of))
    if given.zip:
        summary["zip"] = str(zipped(given.out))
    if given.json:
        print(json.dumps(summary, ensure_ascii=False))
        return
    there = summary["scenes"] - summary["drawn"]
    drawn = f"{summary['drawn']} drawn" + (f", {there} there already" if there else "")
    where = summary.get("zip", summary["out"])
    say(out, f"{summary['scenes']} scenes of {summary['words']} words ({drawn}) as {layout.title} in {where}")


def run_export(given: argparse.Namespace, out: "Console") -> None:
    """Writes a scene store or a data set in another layout."""
    from raygroup.scenes.exporting import export
    from raygroup.scenes.layouts.writing import layout_named
    from raygroup.scenes.scene import Problems

    layout, problems = layout_named(given.layout), Problems()
    target = given.out if not given.zip or given.out.suffix.lower() == ".zip" else given.out.with_name(f"{given.out.name}.zip")
    with telling(out, quiet=given.json) as tell:
        count = export(
            given.paths,
            layout,
            target,
            problems,
            lambda done, of: tell("scenes written", done, of),
            format_name=given.format,
            split=given.split,
        )
    if given.json:
        print(json.dumps({"scenes": count, "layout": layout.name, "out": str(target), "problems": problems.to_json()}, ensure_ascii=False))
        return
    say(out, f"{count} scenes as {layout.title} in {target}; what this layout cannot hold: {layout.loses}")
    _say_problems(problems, out)


def run_duplicates(given: argparse.Namespace, out: "Console") -> None:
    """Says which images and labels the sets have in common."""
    from raygroup.scenes.duplicates import compare
    from raygroup.scenes.scene import Problems

    problems = Problems()
    with telling(out, quiet=given.json) as tell:
        found, labels = compare(given.paths, problems, lambda done, of: tell("images looked at", done, of))
    if given.json:
        print(json.dumps({**found.to_json(), "labels": [shared.to_json() for shared in labels]}, ensure_ascii=False))
        return
    for name, count in found.within.items():
        say(out, f"{name}: {count} images repeat another of the set")
    for (one, other), count in found.between.items():
        say(out, f"{one} and {other}: {count} pictures in both")
    for copies in found.copies[:_PROBLEMS]:
        same = "the same file" if copies.same_bytes else "the same pixels"
        say(out, f"  {same}: {', '.join(f'{of_set}: {name}' for of_set, name in copies.places)}")
    for shared in labels:
        (one, other), (first, second), (of_first, of_second) = shared.sets, shared.instances, shared.of_instances
        examples = f", most often {', '.join(shared.examples)}" if shared.examples else ""
        counts = f"{first} of {of_first} and {second} of {of_second} words"
        say(out, f"{one} and {other}: {shared.labels} different labels in both ({counts}{examples})")
    say(out, f"{found.num_images} images; {len(found.copies)} pictures are there more than once")
    _say_problems(problems, out)


def _say_problems(problems: "Problems", out: "Console") -> None:
    for kind, count in problems.counts.most_common():
        say(out, f"{kind}: {count}")
        for problem in [problem for problem in problems.entries if problem.kind == kind][:_PROBLEMS]:
            say(out, f"  {problem}")


@contextlib.contextmanager
def telling(out: "Console", *, quiet: bool) -> Iterator[Callable[[str, int, int], None]]:
    """A bar on a terminal, a line now and then without one, nothing where standard output is for a program."""
    if quiet:
        yield lambda what, done, of: None
        return
    from raygroup.runtime.preparation import extraction_report as extraction_lines

    with extraction_lines.telling(out) as tell:
        yield tell


def _add_render(commands: Commands) -> None:
    made = commands.add_parser("render", help="draw scenes of text in several scripts, with labels; run again, it goes on")
    made.set_defaults(run=run_render)
    made.add_argument("out", type=Path, metavar="OUT", help="folder of the scenes")
    made.add_argument("--scenes", type=_count, default=100, metavar="N", help="how many (default: 100)")
    made.add_argument("--layout", default="mlt19", metavar="NAME", help="how they are written (default: mlt19; another name lists all)")
    made.add_argument("--split", choices=("train", "val", "test"), default="train", help="val and test show words never trained on")
    made.add_argument("--seed", type=int, default=0, help="the same seed and settings give the same pixels (default: 0)")
    made.add_argument("--size", type=_pair("x"), default=(640, 480), metavar="WxH", help="pixels (default: 640x480)")
    made.add_argument("--words", type=_pair("-"), default=(5, 15), metavar="A-B", help="words of a scene (default: 5-15)")
    made.add_argument("--tasks", type=lambda text: tuple(text.split(",")), metavar="ar,bn,...", help="default: all seven")
    made.add_argument("--backgrounds", type=Path, metavar="DIR", help="images to write on (default: drawn ones)")
    made.add_argument("--fonts", type=Path, metavar="DIR", help="a folder of further fonts")
    for name, share in (("curved", 0.15), ("rotated", 0.3), ("perspective", 0.25)):
        made.add_argument(f"--{name}", type=float, default=share, metavar="SHARE", help=f"of the blocks of text (default: {share})")
    made.add_argument("--dont-care", type=float, default=0.1, metavar="SHARE", help="of text nobody could read (default: 0.1)")
    made.add_argument("--zip", action="store_true", help="pack them into OUT.zip too")
    made.add_argument("--workers", type=_count, metavar="N", help="processes (default: one a core)")
    made.add_argument("--json", action="store_true", help="one JSON object")


def _add_export(commands: Commands) -> None:
    made = commands.add_parser("export", help="write a scene store or a data set in another layout")
    made.set_defaults(run=run_export)
    made.add_argument("paths", nargs="+", type=Path, metavar="PATH", help="what import made, or folders and archives that belong together")
    made.add_argument("out", type=Path, metavar="OUT", help="a new folder, or a zip")
    made.add_argument("--layout", required=True, metavar="NAME", help="coco-text, icdar15, paddleocr, ... (another name lists all)")
    made.add_argument("--split", choices=("train", "val", "test"), default="train", help="how files are named (default: train)")
    made.add_argument("--format", metavar="NAME", help="the layout of the data set, where it is not to be guessed")
    made.add_argument("--zip", action="store_true", help="to OUT.zip")
    made.add_argument("--json", action="store_true", help="one JSON object")


def _add_duplicates(commands: Commands) -> None:
    made = commands.add_parser("duplicates", help="find exact copies of images, and labels that sets have in common")
    made.set_defaults(run=run_duplicates)
    made.add_argument("paths", nargs="+", type=Path, metavar="SET", help="each a data set or a scene store of its own")
    made.add_argument("--json", action="store_true", help="one JSON object")


def _pair(between: str) -> Callable[[str], tuple[int, int]]:
    def pair(text: str) -> tuple[int, int]:
        first, _, second = text.partition(between)
        if not (first.isdigit() and second.isdigit()):
            raise argparse.ArgumentTypeError(f"{text!r} must be two whole numbers with {between!r} between them")
        return int(first), int(second)

    return pair


def _count(text: str) -> int:
    if not text.isdigit() or int(text) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} must be a whole number from 1")
    return int(text)
