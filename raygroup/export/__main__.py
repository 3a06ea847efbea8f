"""``python -m raygroup.export``: write a finished trial as a package.

``raygroup.export.exporter.export_trial`` is the command's Python twin.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from raygroup.errors import ConfigError
from raygroup.files.places import parse_local_path, parse_place
from raygroup.terminal import (
    Parser,
    console,
    print_json,
    print_line,
    print_table,
    print_warning,
    print_words,
    run_command,
    size_text,
    table,
)
from raygroup.values import EXPORTED_BEAMS

if TYPE_CHECKING:
    from raygroup.export.exporter import Export


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> None:
    from raygroup.export.onnx_files import require_onnx

    with_onnx = options.onnx is not False
    if options.onnx is None:
        try:
            require_onnx()
        except ConfigError as error:
            print_warning(f"only safetensors are written: {error}")
            with_onnx = False
    if (options.detector is None) != (options.scenes is None):
        raise ConfigError("--detector and --scenes go together: a spotter's thresholds are chosen on labelled scenes")
    if options.detector is None:
        _export_package(options, with_onnx)
    else:
        _export_spotter(options, with_onnx)


def _export_package(options: argparse.Namespace, with_onnx: bool) -> None:
    from raygroup.export.exporter import export_trial
    from raygroup.runtime.progress import progress_bars

    with progress_bars(console(stderr=True), "exporting") as show_progress:
        written = export_trial(
            options.trial, options.out, storage_path=options.storage_path or [Path("runs")], best=options.best, beams=options.beams,
            onnx=with_onnx, force=options.force, licenses=_licenses(options), progress=show_progress,
        )  # fmt: skip
    if options.json:
        print_json({"folder": str(written.folder), **_summary(written)})
    else:
        _print_package(written)


def _export_spotter(options: argparse.Namespace, with_onnx: bool) -> None:
    from raygroup.export.spotter import export_spotter
    from raygroup.runtime.progress import progress_bars

    with progress_bars(console(stderr=True), "exporting") as show_progress:
        written = export_spotter(
            options.trial, options.out, detector=options.detector, scenes=options.scenes,
            storage_path=options.storage_path or [Path("runs")], best=options.best, onnx=with_onnx, force=options.force,
            licenses=_licenses(options), progress=show_progress,
        )  # fmt: skip
    scores = written.record.scores
    if options.json:
        print_json({"folder": str(written.folder), "scores": scores})
        return
    out = console()
    for purpose, thresholds in written.record.settings.thresholds.items():
        points = ", ".join(f"{name} {value:.3f}" for name, value in scores[purpose].items())
        least = f"regions from {thresholds.detection:.2f}, readings from {thresholds.reading:.2f}"
        print_words(out, f"{purpose}: {least}; H on the {scores['scenes']} scenes that chose them: {points}")
    print_line(out, f"to spot: python -m raygroup.spot PHOTOGRAPHS --model {written.folder} --out DIR")


def _licenses(options: argparse.Namespace) -> str:
    """Return the text of ``--licenses``. Raises ConfigError if it cannot be read."""
    if options.licenses is None:
        return ""
    path: Path = options.licenses
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise ConfigError(f"--licenses {path}: cannot be read as UTF-8 text: {error}") from error


def _summary(written: "Export") -> dict[str, Any]:
    from dataclasses import asdict

    names = ("trial", "tasks", "grouping", "idle_heads", "thresholds", "accuracy", "parity", "sizes", "files")
    return {name: value for name, value in asdict(written.record).items() if name in names}


def _print_package(written: "Export") -> None:
    out, record = console(), written.record
    numbers = ("characters", "parameters", "before pruning")
    rows = table("head", *numbers, right=numbers)
    for head in record.heads:
        rows.add_row(head.name, str(len(head.characters)), f"{head.parameters:,}", f"{head.whole_parameters:,}")
    print_table(out, f"{record.trial_id}, in {written.folder}", rows)
    print_words(out, f"characters of each head: by {record.characters_from}")
    if record.idle_heads:
        print_line(out, f"left out, because no task is on them: {', '.join(f'head {number}' for number in record.idle_heads)}")
    print_words(out, f"{size_text(record.sizes['bytes'])} in {len(record.files) + 1} files; {_parity_text(record.parity, record.beams)}")
    print_line(out, f"to read: python -m raygroup.read {written.folder} IMAGES")


def _parity_text(parity: Any, beams: int) -> str:
    if not parity:
        return "no ONNX files"
    if not parity["compared"]:
        return f"ONNX files not compared with torch: {parity['reason']}"
    return (
        f"onnxruntime reads as torch: greedy {parity['greedy']['equal']} of {parity['words']} words, "
        f"{beams} beams {parity['beam']['equal']} of {parity['words']}"
    )


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.export", description="Write a finished trial as a package: one folder that reads words anywhere.",
        epilog="exit codes: 0 written, 2 bad input, such as a trial that is not done",
    )  # fmt: skip
    parser.add_argument("trial", metavar="TRIAL", help="a trial's folder, SWEEP:LABEL, an id, or a part of a label; with --best a sweep")
    parser.add_argument("out", metavar="OUT", type=parse_local_path, help="the folder to write")
    parser.add_argument("--best", action="store_true", help="of sweep TRIAL, take the trial with the highest exact match on unseen words")
    parser.add_argument("--beams", type=EXPORTED_BEAMS.parse, default=6, metavar="N", help="beams of the ONNX beam readers (default: 6)")
    parser.add_argument(
        "--onnx", action=argparse.BooleanOptionalAction, default=None,
        help="write ONNX files (default: if raygroup[export] is installed); without them torch is needed to read",
    )  # fmt: skip
    parser.add_argument(
        "--detector", metavar="FILE or TRIAL",
        help="write a spotter with TRIAL as its reader and this detector: a file of raygroup.pretrain --scenes, or a finished trial of a "
        "sweep on scenes; needs --scenes",
    )  # fmt: skip
    parser.add_argument(
        "--scenes", type=parse_local_path, metavar="PATH", help="imported scenes that nothing was trained on, to choose the thresholds"
    )
    parser.add_argument(
        "--licenses", type=parse_local_path, metavar="FILE", help="a text on the licences of your words and scenes, for LICENSES"
    )
    parser.add_argument("--force", action="store_true", help="replace the package in OUT")
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    parser.add_argument(
        "--storage-path", action="append", type=parse_place, metavar="STORAGE", help="where to look for TRIAL; repeatable (default: ./runs)"
    )
    return parser


if __name__ == "__main__":
    sys.exit(main())
