"""``data inspect``: count what a data set contains, and draw a contact sheet."""

import argparse
import contextlib
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.data.inputs import Subparsers, add_data_set_arguments, data_set_name
from raygroup.data.progress import show_progress
from raygroup.terminal import print_json

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.scenes.collection import Collection
    from raygroup.scenes.inspection import Inspection

_MAX_HEADERS = 500
"""Images whose header is read without ``--all-images``."""


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand and its flags."""
    parser = commands.add_parser("inspect", help="counts per script, characters, sizes, don't-cares, problems, and a contact sheet")
    parser.set_defaults(run=run)
    parser.add_argument("--sheet", type=Path, metavar="FILE.png", help="file for the contact sheet (default: ./NAME-sheet.png)")
    parser.add_argument("--no-sheet", action="store_true", help="draw no contact sheet")
    parser.add_argument("--all-images", action="store_true", help=f"read the header of every image, not of {_MAX_HEADERS} of them")
    add_data_set_arguments(parser)


def run(options: argparse.Namespace, out: "Console") -> None:
    """Inspect a data set and print the counts."""
    from raygroup.data.tables import print_inspection
    from raygroup.scenes.collection import Collection
    from raygroup.scenes.formats.registry import format_of
    from raygroup.scenes.inspection import Inspection, inspect

    with show_progress(out, quiet=options.json) as report:
        collection = Collection(options.paths)
        label_format = format_of(collection, options.format)
        inspection = Inspection(label_format.name, label_format.unit)
        for inspection in inspect(collection, label_format, max_images=None if options.all_images else _MAX_HEADERS):
            report("scenes inspected", inspection.scenes, 0)
        sheet = None if options.no_sheet else _draw_sheet(collection, inspection, options)
    if options.json:
        print_json({**inspection.to_json(), "sheet": str(sheet) if sheet else None})
    else:
        print_inspection(inspection, label_format.title, sheet, out)


def _draw_sheet(collection: "Collection", inspection: "Inspection", options: argparse.Namespace) -> Path | None:
    """Draw the contact sheet and return its path.

    The result is None if no image of the sample is readable.
    """
    from raygroup.errors import ImageError
    from raygroup.figures.palette import save_figure
    from raygroup.figures.scene_sheet import ShownScene, scene_sheet_figure
    from raygroup.scenes.images import decode

    scenes = {scene.image: scene for scene in inspection.sample if scene.image}
    shown = []
    for image, content in collection.stream(scenes):
        with contextlib.suppress(ImageError):
            if isinstance(content, bytes):
                shown.append(ShownScene(decode(content), scenes[image].instances))
    if not shown:
        return None
    name = data_set_name(options)
    figure = scene_sheet_figure(shown, f"{name}: {len(shown)} of {inspection.scenes} scenes")
    return save_figure(figure, options.sheet or Path(f"{name}-sheet.png"))
