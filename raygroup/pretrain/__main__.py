"""``python -m raygroup.pretrain``: stage 1, the weights that later stages start from.

With words or word lists it trains the trunk and the universal head of recognisers. With ``--scenes`` it trains the detector of a spotter.
The same command continues after an interruption. ``words.pretrain`` and ``detector.pretrain_detector`` are its Python twins.
"""

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path

from raygroup.config import Pretraining
from raygroup.errors import ConfigError
from raygroup.files.places import parse_local_path
from raygroup.pretrain.detector import DETECTOR, pretrain_detector, print_detector
from raygroup.pretrain.words import pretrain
from raygroup.spotter_config import Detector
from raygroup.terminal import Parser, command_line, console, print_json, print_words, run_command
from raygroup.values import STEPS, add_bad_share_argument

BUILT_IN, OWN = "pretrain", "pretrain_own"
"""The search space without words of the user, and with them."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)), resume=command_line("raygroup.pretrain", arguments))


def _run(options: argparse.Namespace) -> None:
    if options.scenes is not None:
        _run_detector(options)
    else:
        _run_words(options)


def _run_detector(options: argparse.Namespace) -> None:
    from raygroup.search_space import load

    unused = [f"--{name}" for name in ("words", "list", "start", "fonts") if getattr(options, name)]
    if unused:
        raise ConfigError(f"--scenes trains a detector, which takes no {', '.join(unused).replace('--start', '--from')}")
    settings = load(options.name or DETECTOR, "detector", Detector)
    out = options.out or Path("detector.safetensors")
    result = pretrain_detector(
        settings, out, scenes=options.scenes, storage_path=options.storage_path, checkpoint_every=options.checkpoint_every,
        progress=not options.json,
    )  # fmt: skip
    if options.json:
        print_json(result.to_json(), indent=2)
    else:
        print_detector(result, console())


def _run_words(options: argparse.Namespace) -> None:
    from raygroup.runtime.stage1.result import print_result
    from raygroup.search_space import load
    from raygroup.words.rendering.font_folder import unread_font_lines
    from raygroup.words.rendering.own_lists import parse_own_list

    lists = [parse_own_list(text) for text in options.list]
    settings = load(options.name or (OWN if options.words or lists else BUILT_IN), "pretraining", Pretraining)
    for line in unread_font_lines(options.fonts):
        print_words(console(), line)
    result = pretrain(
        settings, options.out or Path("universal.safetensors"), words=options.words, lists=lists, start=options.start,
        storage_path=options.storage_path, fonts=options.fonts, bad_share=options.bad_share, checkpoint_every=options.checkpoint_every,
        progress=not options.json,
    )  # fmt: skip
    if options.json:
        print_json(result.to_json(), indent=2)
    else:
        print_result(result, console())


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.pretrain",
        description="Stage 1: train the trunk and the universal head that sweeps start from, or with --scenes the detector of a spotter.",
        epilog="exit codes: 0 done, 2 bad input, 3 storage or a worker failed, 130 interrupted; after 3 and 130 the same command continues",
    )
    parser.add_argument(
        "name",
        nargs="?",
        help=f"a file with 'pretraining = Pretraining(...)' (default: {BUILT_IN}, and {OWN} with --words or --list), or with --scenes one "
        f"with 'detector = Detector(...)' (default: {DETECTOR})",
    )
    parser.add_argument(
        "--words", type=parse_local_path, metavar="PATH", help="train on your word images: a folder with labels.csv, a Parquet file"
    )
    parser.add_argument(
        "--list", action="append", default=[], metavar="TASK=FILE",
        help="also render words from your list, a text file with one word on each line; may be repeated",
    )  # fmt: skip
    parser.add_argument(
        "--from",
        dest="start",
        metavar="laptop|spotter|FILE",
        help="weights to begin with (default: those of the file's 'start', or none, so it learns from nothing)",
    )
    parser.add_argument("--scenes", type=parse_local_path, metavar="PATH", help="train a detector on the scenes of raygroup.data import")
    parser.add_argument(
        "--out", type=parse_local_path, help="the weights file to write (default: universal.safetensors, or detector.safetensors)"
    )
    parser.add_argument(
        "--storage-path", type=parse_local_path, default=Path("runs"), help="where words and scenes are cached (default: ./runs)"
    )
    parser.add_argument("--fonts", type=parse_local_path, help="a folder of fonts to render with, beside the installed ones")
    add_bad_share_argument(parser)
    parser.add_argument(
        "--checkpoint-every", type=STEPS.parse, metavar="STEPS",
        help="steps between two checkpoints, which lie in OUT.training until the file is written (default: as in the settings, 200 or 50)",
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="print one JSON object")
    return parser


if __name__ == "__main__":
    sys.exit(main())
