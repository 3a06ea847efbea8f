"""``python -m raygroup.spot``: find and read the words of photographs.

``raygroup.load_spotter(folder).spot(photograph)`` is the command's Python twin, and
``raygroup.explain_photographs`` that of ``--explain``.
"""

import argparse
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import BAD_INPUT, ImageError
from raygroup.files.places import parse_local_path
from raygroup.read.arguments import add_backend_arguments
from raygroup.spot.opening import SHIPPED, load_spotter
from raygroup.terminal import Parser, console, print_json, print_line, print_warning, run_command

if TYPE_CHECKING:
    from raygroup.spot.explanation import ExplainedWord, Explanation
    from raygroup.spot.ground_truth import GroundTruth
    from raygroup.spot.output import OutputFolder
    from raygroup.spotting.spotter import SpottedWord, Spotter

PURPOSES = ("detection", "end-to-end")  # as spotting.spotter names them
SUBMISSION_TASKS = (1, 3, 4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    from raygroup.reading.inputs import list_images
    from raygroup.spot.ground_truth import read_ground_truth
    from raygroup.spot.output import OutputFolder, image_number

    paths = list_images(options.images, sys.stdin)
    if options.submission is not None:
        for path in paths:
            image_number(path)
    truth = None if options.explain is None else read_ground_truth(options.explain, paths)
    spotter = load_spotter(options.model, backend=options.backend, threads=options.threads)
    outputs = None if options.out is None else OutputFolder(options.out, spotter.reader.grouping)
    run = _spot(spotter, paths, options, truth, outputs)
    if outputs is not None and options.submission is not None:
        outputs.write_submission(run.words, options.submission)
    if options.json:
        print_json({"purpose": options.purpose, **run.to_json()})
    else:
        _print(run, options)
    missing = None if outputs is None else outputs.missing_letters
    for line in [*run.problems, *([missing] if missing else [])]:
        print_warning(line)
    return BAD_INPUT if run.problems and not run.words else 0


@dataclass(frozen=True)
class _Run:
    """The words of photographs."""

    words: "dict[Path, list[SpottedWord]]"
    problems: list[str]
    """A line for each photograph that could not be read, or not all of it."""
    explanation: "Explanation | None"

    def to_json(self) -> dict[str, Any]:
        photographs: list[dict[str, Any]] = [
            {"image": str(path), "words": [word.to_json() for word in words]} for path, words in self.words.items()
        ]
        values = {"photographs": photographs, "problems": self.problems}
        if self.explanation is None:
            return values
        for photograph, path in zip(photographs, self.words, strict=True):
            if path in self.explanation.photographs:
                photograph["explained"] = [word.to_json() for word in self.explanation.photographs[path]]
        return {**values, "explanation": self.explanation.to_json()}


def _spot(
    spotter: "Spotter", paths: Sequence[Path], options: argparse.Namespace, truth: "GroundTruth | None", outputs: "OutputFolder | None"
) -> _Run:  # fmt: skip
    """Read the photographs. The words of one are written before the next one is read."""
    from raygroup.runtime.progress import progress_bars
    from raygroup.spot.explanation import Explanation, explain_words
    from raygroup.spotting.photograph import read_photograph

    words: dict[Path, list[SpottedWord]] = {}
    explained: dict[Path, list[ExplainedWord]] = {}
    problems: list[str] = []
    with progress_bars(console(stderr=True), "spotting") as show_progress:
        for number, path in enumerate(paths, start=1):
            try:
                photograph = read_photograph(path, remark=problems.append)
            except ImageError as error:
                problems.append(str(error))
            else:
                words[path] = spotter.spot(photograph, options.purpose, options.beams)
                if truth is not None and path in truth.words:
                    explained[path] = explain_words(truth.words[path], words[path])
                if outputs is not None:
                    outputs.write(path, photograph, words[path], explained.get(path))
            show_progress("photographs", number, len(paths))
    return _Run(words, problems, None if truth is None else Explanation(explained, truth))


def _print(run: _Run, options: argparse.Namespace) -> None:
    from rich.text import Text

    from raygroup.terminal import Column, fitted_table, show_controls, titled

    columns = (
        Column("text"), Column("task"), Column("head", rank=1, shortest=6), Column("detection", right=True), Column("reading", right=True),
        Column("at", rank=2, shortest=10),
    )  # fmt: skip
    out = console()
    for path, words in run.words.items():
        if not words:
            print_line(out, f"{path}: no text found")
            continue
        rows = [[Text(show_controls(cell)) for cell in _cells(word)] for word in words]
        out.print(titled(f"{path}: {len(words)} words, with the thresholds for {options.purpose}", fitted_table(columns, rows, out.width)))
    if run.explanation is not None:
        from raygroup.spot.explained_output import print_explanation

        print_explanation(run.explanation, out)
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
    parser.add_argument(
        "--model", default=SHIPPED, metavar="FOLDER", help=f"a spotter of raygroup.export --detector (default: {SHIPPED}, the shipped one)"
    )
    parser.add_argument("--out", type=parse_local_path, metavar="DIR", help="write an overlay and the words of each photograph there")
    parser.add_argument(
        "--submission", type=_submission_task, metavar="TASK",
        help="also write an MLT19 submission for task 1, 3 or 4 to DIR; photographs are named by the numbers in their names",
    )  # fmt: skip
    parser.add_argument(
        "--explain", type=parse_local_path, metavar="PATH",
        help="compare the words with this ground truth, labels that raygroup.data reads or imported scenes, and draw the errors to DIR",
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
