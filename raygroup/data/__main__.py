"""``python -m raygroup.data``: data sets of scenes as they were published: looked at, taken into stores, rendered, written for others."""

import argparse
import contextlib
import json
import re
import sys
from collections.abc import Sequence
from concurrent.futures import BrokenExecutor
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.data.render import add_to, telling
from raygroup.errors import ConfigError
from raygroup.terminal import console, end_on_sigterm, refuse, same_command

if TYPE_CHECKING:
    from rich.console import Console

    from raygroup.scenes.collection import Collection
    from raygroup.scenes.inspection import Inspection

BAD_INPUT, FAILED, INTERRUPTED = 2, 3, 130


def main(arguments: Sequence[str] | None = None) -> int:
    given = build_parser().parse_args(arguments)
    end_on_sigterm()
    try:
        given.run(given, console())
    except ConfigError as error:
        return refuse(error)
    except OSError as error:
        print(f"raygroup: {error}; the same command goes on: {same_command('raygroup.data.__main__', arguments)}", file=sys.stderr)
        return FAILED
    except BrokenExecutor:
        print(
            f"raygroup: a worker process was ended, perhaps for want of memory: fewer --workers take less; the same command goes on: "
            f"{same_command('raygroup.data.__main__', arguments)}",
            file=sys.stderr,
        )
        return FAILED
    except KeyboardInterrupt:
        print(f"raygroup: stopped; the same command goes on: {same_command('raygroup.data.__main__', arguments)}", file=sys.stderr)
        return INTERRUPTED
    return 0


def _inspect(given: argparse.Namespace, out: "Console") -> None:
    from raygroup.data.tables import print_inspection
    from raygroup.scenes.formats.registry import format_of
    from raygroup.scenes.inspection import Inspection, inspect

    with telling(out, quiet=given.json) as tell:
        collection = _collection(given)
        known = format_of(collection, given.format)
        found = Inspection(known.name, known.unit)
        for found in inspect(collection, known, max_images=None if given.all_images else 500):
            tell("scenes looked at", found.scenes, 0)
        sheet = None if given.no_sheet else _sheet(collection, found, given)
    if given.json:
        print(json.dumps({**found.to_json(), "sheet": str(sheet) if sheet else None}, ensure_ascii=False))
    else:
        print_inspection(found, known.title, sheet, out)


def _sheet(collection: "Collection", found: "Inspection", given: argparse.Namespace) -> Path | None:
    """Writes the contact sheet; None where no image could be shown."""
    from raygroup.errors import ImageError
    from raygroup.figures.palette import save_figure
    from raygroup.figures.scene_sheet import ShownScene, scene_sheet_figure
    from raygroup.scenes.images import decode

    images = {scene.image: scene for scene in found.sample if scene.image}
    shown = []
    for image, content in collection.stream(images):
        with contextlib.suppress(ImageError):
            if isinstance(content, bytes):
                shown.append(ShownScene(decode(content), images[image].instances))
    path = given.sheet or Path(f"{_source_name(given)}-sheet.png")
    return save_figure(scene_sheet_figure(shown, f"{_source_name(given)}: {len(shown)} of {found.scenes} scenes"), path) if shown else None


def _import(given: argparse.Namespace, out: "Console") -> None:
    from raygroup.data.tables import print_summary
    from raygroup.runtime.processes import cores, pool
    from raygroup.scenes.formats.registry import format_of
    from raygroup.scenes.importing.importer import import_scenes
    from raygroup.scenes.importing.shard_rows import ImportSettings

    workers = given.workers or cores()
    with telling(out, quiet=given.json) as tell:
        collection = _collection(given)
        known = format_of(collection, given.format)
        settings = ImportSettings(
            source=_source_name(given), unit=known.unit, crop_height=given.crop_height, turn_vertical=not given.keep_vertical,
            lossless=given.lossless, symbols=given.symbols,
        )  # fmt: skip
        with pool(workers) as processes:
            summary = import_scenes(
                collection, known, given.out, settings, processes, workers, lambda done, of: tell("scenes taken in", done, of)
            )
    if given.json:
        print(json.dumps(summary, ensure_ascii=False))
    else:
        print_summary(summary, known.title, given.out, out)


def _collection(given: argparse.Namespace) -> "Collection":
    from raygroup.scenes.collection import Collection

    return Collection(given.paths)


def _source_name(given: argparse.Namespace) -> str:
    """The name a data set has in the stores: the one given, else its first path's, as far as it can stand in a file's name."""
    first = given.paths[0].resolve()
    return given.name or re.sub(r"[^\w.-]+", "-", first.name.split(".")[0] if first.is_file() else first.name) or "scenes"


def build_parser() -> argparse.ArgumentParser:
    """The commands and their flags."""
    made = argparse.ArgumentParser(
        prog="python -m raygroup.data", description=__doc__,
        epilog="exit codes: 0 done, 2 bad input, 3 storage or a worker failed, 130 stopped; after the last two the same command goes on",
    )  # fmt: skip
    commands = made.add_subparsers(dest="command", required=True)
    looking = commands.add_parser("inspect", help="counts per script, characters, sizes, don't-cares, problems, and a contact sheet")
    looking.set_defaults(run=_inspect)
    looking.add_argument("--sheet", type=Path, metavar="FILE.png", help="where the contact sheet goes (default: ./NAME-sheet.png)")
    looking.add_argument("--no-sheet", action="store_true", help="no contact sheet")
    looking.add_argument("--all-images", action="store_true", help="the header of every image, not of 500 of them")
    taking = commands.add_parser("import", help="take a data set into a word store and a scene store; run again, it goes on")
    taking.set_defaults(run=_import)
    taking.add_argument("--out", type=Path, default=Path("data"), help="folder of the stores, one for all data sets (default: ./data)")
    taking.add_argument("--workers", type=int, metavar="N", help="processes (default: one a core)")
    taking.add_argument("--crop-height", type=int, default=64, metavar="PIXELS", help="larger words are scaled down to it (default: 64)")
    taking.add_argument("--keep-vertical", action="store_true", help="do not turn words that stand upright, such as Japanese columns")
    taking.add_argument("--lossless", action="store_true", help="crops as PNG, not as JPEG of quality 95")
    taking.add_argument("--symbols", action="store_true", help="keep words of the script Symbols, which the paper discards")
    add_to(commands)
    for command in (looking, taking):
        command.add_argument(
            "paths", nargs="+", type=Path, metavar="PATH", help="folders, zips, tarballs, label files that belong together"
        )
        command.add_argument("--format", metavar="NAME", help="the layout, where it is not to be guessed")
        command.add_argument("--name", help="what the data set is called in the stores (default: by its first path)")
        command.add_argument("--json", action="store_true", help="one JSON object")
    return made


if __name__ == "__main__":
    sys.exit(main())
