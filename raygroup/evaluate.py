"""``python -m raygroup.evaluate``: score a submission as the official script of its competition does.

``evaluate`` is the command's Python twin.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import ConfigError
from raygroup.files.places import local_path, parse_local_path
from raygroup.terminal import Parser, console, print_json, run_command
from raygroup.values import EDITS

if TYPE_CHECKING:
    from raygroup.scoring.curve import Curve
    from raygroup.scoring.results import Result

CURVE_SUFFIXES = (".csv", ".png")

# The names of scoring.protocols.registry, repeated so that --help does not import numpy and shapely. A test compares both.
PROTOCOLS = (
    "mlt19-task1", "mlt19-task3", "mlt19-task4", "icdar15-e2e", "icdar15-spotting",
    "totaltext-e2e", "totaltext-spotting", "totaltext-deteval",
)  # fmt: skip


def evaluate(
    protocol: str, gt: Path | str, submission: Path | str, *, lexicon: Path | str | None = None, max_edits: int | None = 1
) -> "Result":
    """Score a submission under a protocol, one of ``PROTOCOLS``.

    ``lexicon`` replaces each text by the nearest of its words. A detection that is further than ``max_edits`` edits from every word is
    dropped; None drops none.

    Raises ConfigError for an unknown protocol and for a ground truth or a lexicon that cannot be used. Raises SubmissionError, which is a
    ConfigError, if the official script would refuse the submission.
    """
    from raygroup.scoring.lexicons import apply_lexicon, read_lexicon
    from raygroup.scoring.protocols.registry import protocol as protocol_named

    rules = protocol_named(protocol)
    if max_edits is not None:
        EDITS.require("--max-edits", max_edits)
    if lexicon is not None and not rules.scores_texts:
        raise ConfigError(f"--lexicon {lexicon}: {protocol} scores no texts; leave --lexicon out")
    truths = rules.read_truths(local_path(gt))
    detections = rules.read_detections(local_path(submission), truths)
    if lexicon is not None:
        detections = apply_lexicon(detections, read_lexicon(local_path(lexicon), truths.images), max_edits)
    return rules.score(truths, detections)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> None:
    from raygroup.scoring.curve import curve
    from raygroup.scoring.protocols.registry import protocol
    from raygroup.scoring.score_table import print_result
    from raygroup.scoring.word_outcomes import require_suffix, write_outcomes

    if options.details is not None:
        require_suffix(options.details)
    if options.curve is not None and options.curve.suffix.lower() not in CURVE_SUFFIXES:
        raise ConfigError(f"--curve {options.curve}: must end in {' or '.join(CURVE_SUFFIXES)}")
    result = evaluate(options.protocol, options.gt, options.submission, lexicon=options.lexicon, max_edits=options.max_edits)
    points = None if result.detections.confidences is None and options.curve is None else curve(result)
    title = protocol(options.protocol).title
    if options.details is not None:
        write_outcomes(result, options.details)
    if points is not None and options.curve is not None:
        _write_curve(points, options.curve, title)
    if options.json:
        print_json(_as_json(result, points), allow_nan=False)
    else:
        print_result(result, title, points, console())


def _write_curve(points: "Curve", path: Path, title: str) -> None:
    """Write the curve as numbers or as a picture, by the ending of the file."""
    from raygroup.scoring.curve import write_curve

    if path.suffix.lower() == ".csv":
        write_curve(points, path)
        return
    from raygroup.figures.confidence_curve import curve_figure
    from raygroup.figures.palette import save_figure

    save_figure(curve_figure(points, title), path)


def _as_json(result: "Result", points: "Curve | None") -> dict[str, Any]:
    from raygroup.scoring.results import result_json

    best = None
    if points is not None and len(points.threshold):
        names = ("threshold", "precision", "recall", "hmean")
        best = {name: float(getattr(points, name)[points.best]) for name in names}
    return {**result_json(result), "best_threshold": best}


def _edits(text: str) -> int | None:
    if text == "any":
        return None
    try:
        edits: int = EDITS.parse(text)
    except argparse.ArgumentTypeError as error:
        raise argparse.ArgumentTypeError(f"{error}, or any") from None
    return edits


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.evaluate", description="Score a submission as the official script of its competition does.",
        epilog="exit codes: 0 scored, 2 bad input, such as a submission that the official script would refuse",
    )  # fmt: skip
    parser.add_argument("--protocol", required=True, choices=PROTOCOLS, metavar="NAME", help=", ".join(PROTOCOLS))
    parser.add_argument("--gt", required=True, type=parse_local_path, help="the ground truth: a zip or a folder")
    parser.add_argument("--submission", required=True, type=parse_local_path, help="the submission: a zip or a folder")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--details", type=parse_local_path, metavar="FILE", help="write every matched, missed and false word to FILE.parquet or FILE.jsonl"
    )
    parser.add_argument(
        "--curve",
        type=parse_local_path,
        metavar="FILE",
        help="write precision, recall and hmean at every confidence to FILE.csv or FILE.png",
    )
    parser.add_argument(
        "--lexicon", type=parse_local_path, metavar="PATH",
        help="replace texts by the nearest word: a file with one word a line, or a folder with one such file for each image",
    )  # fmt: skip
    parser.add_argument(
        "--max-edits", type=_edits, default=1, metavar="N",
        help="drop detections further than this from every lexicon word (default: 1; any: drop none, as with generic lexicons)",
    )  # fmt: skip
    return parser


if __name__ == "__main__":
    sys.exit(main())
