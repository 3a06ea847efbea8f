"""``python -m raygroup.evaluate``: what a field's official script would say of anybody's submission, and every word of it."""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import ConfigError
from raygroup.terminal import console, end_on_sigterm, refuse

if TYPE_CHECKING:
    from raygroup.scoring.curve import Curve
    from raygroup.scoring.results import Result

DONE, BAD_INPUT, INTERRUPTED = 0, 2, 130
CURVES = (".csv", ".png")

PROTOCOLS = (
    "mlt19-task1", "mlt19-task3", "mlt19-task4", "icdar15-e2e", "icdar15-spotting",
    "totaltext-e2e", "totaltext-spotting", "totaltext-deteval",
)  # fmt: skip


def run(protocol: str, gt: Path, submission: Path, *, lexicon: Path | None = None, max_edits: int | None = 1) -> "Result":
    """Scores a submission. Raises ConfigError for a protocol that is not there and a ground truth or a lexicon that cannot be used, and
    SubmissionError, a ConfigError, where the official script would refuse the submission."""
    from raygroup.scoring.lexicons import corrected, read_lexicon
    from raygroup.scoring.protocols.registry import protocol as protocol_named

    asked = protocol_named(protocol)
    if lexicon is not None and not asked.reads:
        raise ConfigError(f"--lexicon {lexicon}: {protocol} has no texts: leave it out")
    truths = asked.read_truths(gt)
    detections = asked.read_detections(submission, truths)
    if lexicon is not None:
        detections = corrected(detections, read_lexicon(lexicon, truths.images), max_edits)
    return asked.score(truths, detections)


def main(arguments: Sequence[str] | None = None) -> int:
    asked = parser().parse_args(arguments)
    end_on_sigterm()
    try:
        return _evaluate(asked)
    except ConfigError as error:
        return refuse(error)
    except OSError as error:
        print(f"raygroup: {error}", file=sys.stderr)
        return BAD_INPUT
    except KeyboardInterrupt as stopped:
        print(f"\n{str(stopped) or 'interrupted'}", file=sys.stderr)
        return INTERRUPTED


def _evaluate(asked: argparse.Namespace) -> int:
    from raygroup.scoring.curve import curve
    from raygroup.scoring.protocols.registry import protocol
    from raygroup.scoring.score_table import show_result
    from raygroup.scoring.word_outcomes import require_suffix, write_details

    if asked.details is not None:
        require_suffix(asked.details)
    if asked.curve is not None and asked.curve.suffix.lower() not in CURVES:
        raise ConfigError(f"--curve {asked.curve}: must end in {' or '.join(CURVES)}")
    result = run(asked.protocol, asked.gt, asked.submission, lexicon=asked.lexicon, max_edits=asked.max_edits)
    points = None if result.detections.confidences is None and asked.curve is None else curve(result)
    if asked.details is not None:
        write_details(result, asked.details)
    if points is not None and asked.curve is not None:
        _write_curve(points, asked.curve, protocol(asked.protocol).title)
    if asked.json:
        print(json.dumps(_as_json(result, points), ensure_ascii=False, allow_nan=False))
    else:
        show_result(result, protocol(asked.protocol).title, points, console())
    return DONE


def _write_curve(points: "Curve", path: Path, title: str) -> None:
    """Numbers, or a picture of them, by the file's ending."""
    from raygroup.scoring.curve import write_curve

    if path.suffix.lower() == ".csv":
        write_curve(points, path)
        return
    from raygroup.figures.confidence_curve import curve_figure
    from raygroup.figures.palette import save

    save(curve_figure(points, title), path)


def _as_json(result: "Result", points: "Curve | None") -> dict[str, Any]:
    from raygroup.scoring.results import as_json

    best = None
    if points is not None and len(points.threshold):
        names = ("threshold", "precision", "recall", "hmean")
        best = {name: float(getattr(points, name)[points.best]) for name in names}
    return {**as_json(result), "best_threshold": best}


def _edits(text: str) -> int | None:
    if text == "any":
        return None
    if int(text) < 0:
        raise ValueError(text)
    return int(text)


def parser() -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m raygroup.evaluate", description="Score a submission as the official script of its competition does.",
        epilog="exit codes: 0 scored, 2 a submission that the official script would refuse, or other bad input (one line says which)",
    )  # fmt: skip
    made.add_argument("--protocol", required=True, choices=PROTOCOLS, metavar="NAME", help=", ".join(PROTOCOLS))
    made.add_argument("--gt", required=True, type=Path, help="the ground truth: a zip or a folder")
    made.add_argument("--submission", required=True, type=Path, help="a zip or a folder, as it is handed in")
    made.add_argument("--json", action="store_true", help="print one JSON object")
    made.add_argument(
        "--details", type=Path, metavar="FILE", help="write every matched, missed and false word to FILE.parquet or FILE.jsonl"
    )
    made.add_argument(
        "--curve", type=Path, metavar="FILE", help="write precision, recall and H at every confidence to FILE.csv or FILE.png"
    )
    made.add_argument(
        "--lexicon", type=Path, metavar="PATH",
        help="replace texts by the nearest word: a file of one word a line, or a folder with such a file for every image",
    )  # fmt: skip
    made.add_argument(
        "--max-edits", type=_edits, default=1, metavar="N",
        help="drop detections that are further from every word of the lexicon (default: 1; any: drop none, as with generic lexicons)",
    )  # fmt: skip
    return made


if __name__ == "__main__":
    sys.exit(main())
