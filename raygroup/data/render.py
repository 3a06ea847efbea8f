"""``data render``: draw scenes of text with labels."""

import argparse
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.data.inputs import Subparsers
from raygroup.data.progress import show_progress
from raygroup.data.render_arguments import add_render_arguments, scene_settings
from raygroup.terminal import print_json, print_line

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.scenes.rendering.settings import SceneSettings
    from raygroup.words.rendering.own_lists import OwnList


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand and its flags."""
    parser = commands.add_parser("render", help="draw scenes of text in several scripts, with labels; run it again to continue")
    parser.set_defaults(run=run)
    add_render_arguments(parser)


def run(options: argparse.Namespace, out: "Console") -> None:
    """Draw the scenes that do not exist yet, and print their numbers."""
    from raygroup.scenes.layouts.writing import find_layout
    from raygroup.scenes.rendering.dataset import zip_folder
    from raygroup.words.rendering.font_folder import unread_font_lines

    layout = find_layout(options.layout)
    unread = [*unread_font_lines(options.fonts)]
    lists = _read_lists(options.list)
    settings = scene_settings(options, lists)
    with show_progress(out, quiet=options.json) as report:
        summary = render_scenes(
            options.out, settings, options.scenes, options.layout, fonts=options.fonts, workers=options.workers,
            progress=lambda done, total: report("scenes drawn", done, total),
        )  # fmt: skip
    for own in lists:
        summary["own_words"][own.name]["dropped"] |= own.dropped
    if options.zip:
        summary["zip"] = str(zip_folder(options.out))
    if unread:
        summary["unread_fonts"] = unread
    if options.json:
        print_json(summary)
        return
    for line in [*unread, *_own_word_lines(summary["own_words"])]:
        print_line(out, line)
    num_present = summary["scenes"] - summary["drawn"]
    drawn = f"{summary['drawn']} drawn" + (f", {num_present} there already" if num_present else "")
    folder = summary.get("zip", summary["out"])
    print_line(out, f"{summary['scenes']} scenes of {summary['words']} words ({drawn}) as {layout.title} in {folder}")
    if layout.loses != "nothing":
        print_line(out, f"this layout cannot hold: {layout.loses} (--layout mlt-polygons holds all)")


def render_scenes(
    out: Path, settings: "SceneSettings", scenes: int = 100, layout: str = "mlt19", *,
    fonts: Path | None = None, workers: int | None = None, progress: Any = lambda done, total: None,
) -> dict[str, Any]:  # fmt: skip
    """Draw the scenes of a folder that do not exist yet, and return their numbers.

    Raises ConfigError for settings that give no words, and if the folder holds something else or scenes of other settings.
    """
    from raygroup.runtime.process_map import map_in_order
    from raygroup.runtime.processes import WorkerPool, cores
    from raygroup.scenes.layouts.writing import find_layout
    from raygroup.scenes.rendering.dataset import Rendering, render

    rendering = Rendering(Path(out), settings, find_layout(layout).name, fonts)
    with WorkerPool(workers or cores()) as pool:
        return render(rendering, scenes, partial(map_in_order, pool), progress)


def _read_lists(lists: Sequence[str]) -> "tuple[OwnList, ...]":
    if not lists:
        return ()
    from raygroup.words.rendering.own_lists import parse_own_list, read_own_lists

    return read_own_lists(map(parse_own_list, lists))


def _own_word_lines(own_words: dict[str, Any]) -> list[str]:
    lines = []
    for task, counts in own_words.items():
        lines.append(f"{task}: {counts['words']} of your words in this split")
        lines += [f"  {count} dropped, {reason}" for reason, count in counts["dropped"].items() if count]
    return lines
