"""``python -m raygroup.spot``: find and read the words of photographs.

``raygroup.load_spotter(folder).spot(photograph)`` is the command's Python twin.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import BAD_INPUT, ImageError
from raygroup.files.places import parse_local_path
from raygroup.read.arguments import add_backend_arguments
from raygroup.spot.opening import load_spotter
from raygroup.terminal import Parser, console, print_json, print_line, print_warning, run_command

if TYPE_CHECKING:
    from raygroup.spot.output import OutputFolder
    from raygroup.spotting.spotter import SpottedWord, Spotter

PURPOSES = ("detection", "end-to-end")  # as spotting.spotter names them
SUBMISSION_TASKS = (1, 3, 4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    from raygroup.reading.inputs import list_images
    from raygroup.spot.output import OutputFolder, image_number

    paths = list_images(options.images, sys.stdin)
    if options.submission is not None:
        for path in paths:
            image_number(path)
    spotter = load_spotter(options.model, backend=options.backend, threads=options.threads)
    outputs = None if options.out is None else OutputFolder(options.out, spotter.reader.grouping)
    words, problems = _spot(spotter, paths, options, outputs)
    if outputs is not None and options.submission is not None:
        outputs.write_submission(words, options.submission)
    if options.json:
        photographs = [{"image": str(path), "words": [word.to_json() for word in found]} for path, found in words.items()]
        print_json({"purpose": options.purpose, "photographs": photographs, "problems": problems})
    else:
        _print(words, options)
    for line in problems:
        print_warning(line)
    return BAD_INPUT if problems and not words else 0


def _spot(
    spotter: "Spotter", paths: Sequence[Path], options: argparse.Namespace, outputs: "OutputFolder | None"
) -> "tuple[dict[Path, list[SpottedWord]], list[str]]":  # fmt: skip
    """Return the words of each photograph that can be read, and a line for each other one.

    The words of a photograph are written before the next one is read.
    """
    from raygroup.runtime.progress import progress_bars
    from raygroup.spotting.photograph import read_photograph

    words: dict[Path, list[SpottedWord]] = {}
    problems = []
    with progress_bars(console(stderr=True), "spotting") as show_progress:
        for number, path in enumerate(paths, start=1):
            try:
                photograph = read_photograph(path)
            except ImageError as error:
                problems.append(str(error))
            else:
                words[path] = spotter.spot(photograph, options.purpose, options.beams)
                if outputs is not None:
                    outputs.write(path, photograph, words[path])
            show_progress("photographs", number, len(paths))
    return words, problems


def _print(words: "dict[Path, list[SpottedWord]]", options: argparse.Namespace) -> None:
    from rich.text import Text

    from raygroup.terminal import Column, fitted_table, show_controls, titled

    columns = (
        Column("text"), Column("task"), Column("head", rank=1, shortest=6), Column("detection", right=True), Column("reading", right=True),
        Column("at", rank=2, shortest=10),
    )  # fmt: skip
    out = console()
    for path, found in words.items():
        if not found:
            print_line(out, f"{path}: no text found")
            continue
        rows = [[Text(show_controls(cell)) for cell in _cells(word)] for word in found]
        out.print(titled(f"{path}: {len(found)} words, with the thresholds for {options.purpose}", fitted_table(columns, rows, out.width)))
    if options.out is not None:
        print_line(out, f"pictures and words: {options.out}")


def _cells(word: "SpottedWord") -> list[str]:
    x, y = word.polygon.min(0)
    return [word.text, word.task, word.head, f"{word.detection:.3f}", f"{word.confidence:.3f}", f"{x:.0f}, {y:.0f}"]


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.spot", description="Find and read the words of photographs.",
        epilog="exit codes: 0 done, 2 bad input, or no photograph could be read",
    )  # fmt: skip
    parser.add_argument("images", nargs="+", metavar="PHOTOGRAPH", help="files, folders, patterns, or - for paths on standard input")
    parser.add_argument("--model", type=parse_local_path, required=True, metavar="FOLDER", help="a spotter of raygroup.export --detector")
    parser.add_argument("--out", type=parse_local_path, metavar="DIR", help="write an overlay and the words of each photograph there")
    parser.add_argument(
        "--submission", type=_submission_task, metavar="TASK",
        help="also write an MLT19 submission for task 1, 3 or 4 to DIR; photographs are named by the numbers in their names",
    )  # fmt: skip
    parser.add_argument(
        "--purpose", choices=PURPOSES, default="end-to-end", help="the score that the thresholds serve (default: end-to-end)"
    )
    add_backend_arguments(parser)
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


def _submission_task(text: str) -> Any:
    if text not in map(str, SUBMISSION_TASKS):
        raise argparse.ArgumentTypeError(f"{text!r}: it must be 1, 3 or 4")
    return int(text)


if __name__ == "__main__":
    sys.exit(main())
