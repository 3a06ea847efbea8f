"""``data import``: write a data set's words and scenes to stores."""

import argparse
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.data.inputs import Subparsers, add_data_set_arguments, data_set_name
from raygroup.data.progress import show_progress
from raygroup.terminal import print_json
from raygroup.values import COPIES, CROP_HEIGHT, SHARE, WORKERS

if TYPE_CHECKING:
    from rich.console import Console


def add_parser(commands: Subparsers) -> None:
    """Add the subcommand and its flags."""
    parser = commands.add_parser("import", help="write a data set to a word store and a scene store; run it again to continue")
    parser.set_defaults(run=run)
    parser.add_argument("--out", type=Path, default=Path("data"), help="folder of the stores, one for all data sets (default: ./data)")
    parser.add_argument("--workers", type=WORKERS.parse, metavar="N", help="processes (default: one for each core)")
    parser.add_argument(
        "--crop-height", type=CROP_HEIGHT.parse, default=64, metavar="PIXELS", help="scale larger words down to it (default: 64)"
    )
    parser.add_argument("--keep-vertical", action="store_true", help="do not turn upright words, such as Japanese columns")
    parser.add_argument(
        "--margin", type=SHARE.parse, default=0.0, metavar="SHARE", help="air around a word, by its short side; spotters cut with 0.1"
    )
    parser.add_argument(
        "--copies", type=COPIES.parse, default=0, metavar="N", help="more crops of each word, cut a little beside it, as detectors do"
    )
    parser.add_argument("--lossless", action="store_true", help="write crops as PNG, not as JPEG of quality 95")
    parser.add_argument("--symbols", action="store_true", help="keep words of the script Symbols, which the paper discards")
    add_data_set_arguments(parser)


def run(options: argparse.Namespace, out: "Console") -> None:
    """Import a data set and print a summary."""
    from raygroup.data.tables import print_summary
    from raygroup.runtime.process_map import map_in_order
    from raygroup.runtime.processes import WorkerPool, cores
    from raygroup.scenes.collection import Collection
    from raygroup.scenes.formats.registry import format_of
    from raygroup.scenes.importing.importer import import_scenes
    from raygroup.scenes.importing.shard_rows import ImportSettings

    with show_progress(out, quiet=options.json) as report:
        collection = Collection(options.paths)
        label_format = format_of(collection, options.format)
        settings = ImportSettings(
            source=data_set_name(options), unit=label_format.unit, crop_height=options.crop_height,
            turn_vertical=not options.keep_vertical, lossless=options.lossless, symbols=options.symbols, margin=options.margin,
            copies=options.copies,
        )  # fmt: skip
        with WorkerPool(options.workers or cores()) as workers:
            summary = import_scenes(
                collection, label_format, options.out, settings, partial(map_in_order, workers),
                lambda done, total: report("scenes imported", done, total),
            )  # fmt: skip
    if options.json:
        print_json(summary)
    else:
        print_summary(summary, label_format.title, options.out, out)
