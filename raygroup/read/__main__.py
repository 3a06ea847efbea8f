"""``python -m raygroup.read``: read images of words.

``raygroup.load(path).read(images)`` is the command's Python twin.
"""

import argparse
import sys
import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import BAD_INPUT, ConfigError
from raygroup.files.places import parse_local_path, parse_place
from raygroup.read.arguments import add_backend_arguments
from raygroup.read.opening import load
from raygroup.terminal import Parser, console, print_json, print_line, print_warning, run_command

if TYPE_CHECKING:
    from raygroup.reading.label_scores import Label, LabelScores
    from raygroup.reading.package import Package, WordReading

_MANY_IMAGES = 257
"""Fewest images whose reading shows progress: more than one block. The bars take a while to load."""
_PICTURE_SUFFIXES = (".png", ".svg", ".pdf")


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    from raygroup.reading.inputs import list_images

    if options.pictures is not None and options.pictures.suffix.lower() not in _PICTURE_SUFFIXES:
        raise ConfigError(f"--pictures {options.pictures}: must end in {', '.join(_PICTURE_SUFFIXES)}")
    labels = _labels(options.labels)
    names: list[str] = options.images or [str(label.path) for label in labels.values()]
    if not names:
        raise ConfigError("no images: name files, folders or patterns, or - for paths on standard input, or pass --labels")
    if hasattr(sys.stdin, "reconfigure"):
        sys.stdin.reconfigure(errors="surrogateescape")  # names of files may be any bytes
    images = list_images(names, sys.stdin) if options.images else [Path(name) for name in names]
    package = load(options.package, backend=options.backend, storage_path=options.storage_path or [Path("runs")], threads=options.threads)
    readings = _read(package, images, options.beams)
    scores = None
    if labels:
        from raygroup.reading.label_scores import score_readings

        scores = score_readings(readings, labels, package.tasks)
    _show(readings, labels, scores, options)
    return BAD_INPUT if all(reading.problem is not None for reading in readings) else 0


def _labels(file: Path | None) -> "dict[str, Label]":
    if file is None:
        return {}
    from raygroup.reading.label_scores import read_labels

    labels = read_labels(file)
    if not labels:
        raise ConfigError(f"--labels {file}: it has no rows")
    return labels


def _read(package: "Package", images: Sequence[Path], beams: int) -> "list[WordReading]":
    """Read with a progress bar, and print the speed on standard error."""
    start_s = time.monotonic()
    if len(images) < _MANY_IMAGES:
        readings = package.read(images, beams)
    else:
        from raygroup.runtime.progress import progress_bars

        with progress_bars(console(stderr=True), "reading") as show_progress:
            readings = package.read(images, beams, lambda done: show_progress("words read", done, len(images)))
    wall_s = time.monotonic() - start_s
    line = f"{len(readings)} words in {wall_s:.1f} s, {len(readings) / max(wall_s, 1e-9):.0f} words a second, with {package.backend.name}"
    print_line(console(stderr=True), line)
    return readings


def _draw(readings: "list[WordReading]", labels: "dict[str, Label]", path: Path) -> None:
    from raygroup.figures.palette import save_figure
    from raygroup.figures.reading_sheet import first_pictures, reading_sheet_figure

    truth_of = {str(label.path.absolute()): label.text for label in labels.values()}
    shown = first_pictures(readings, truth_of)
    save_figure(reading_sheet_figure(shown, f"{len(shown)} of {len(readings)} pictures, by the language they were taken for"), path)


def _show(
    readings: "list[WordReading]", labels: "dict[str, Label]", scores: "LabelScores | None", options: argparse.Namespace
) -> None:  # fmt: skip
    from raygroup.read.output import print_readings, print_scores, problem_lines, score_notes, write_csv

    if options.csv is not None:
        write_csv(readings, options.csv)
    if options.pictures is not None:
        _draw(readings, labels, options.pictures)
    notes = score_notes(scores) if scores else []
    if options.json:
        values: dict[str, Any] = {"readings": [reading.to_json() for reading in readings]}
        if scores:
            values |= {"accuracy": [score.to_json() for score in scores.by_language], "notes": notes}
        print_json(values)
    else:
        print_readings(readings, console())
        if scores:
            print_scores(scores, console())
    for line in [*problem_lines(readings), *notes]:
        print_warning(line)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.read", description="Read images of words with a package or a finished trial.",
        epilog="exit codes: 0 read, 2 bad input, or no image could be read",
    )  # fmt: skip
    parser.add_argument("package", metavar="PACKAGE", help="a folder of python -m raygroup.export, or a trial as that command takes it")
    parser.add_argument(
        "images", nargs="*", metavar="IMAGE", help="files, folders, patterns, or - for paths on standard input (default: those of --labels)"
    )
    parser.add_argument(
        "--labels",
        type=parse_local_path,
        metavar="FILE",
        help="a csv, tsv or jsonl file with path and text: print the accuracy by language",
    )
    add_backend_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument("--csv", type=parse_local_path, metavar="FILE", help="also write the readings to a csv file")
    parser.add_argument(
        "--pictures", type=parse_local_path, metavar="FILE", help="also draw the first words with their readings, as .png or .svg"
    )
    parser.add_argument(
        "--storage-path", action="append", type=parse_place, metavar="STORAGE", help="where to look for a trial (default: ./runs)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
