"""``python -m raygroup.choose --heads 3``: the best grouping within a budget, from a sweep that trained a head for every group.

With ``--add TASK`` it says which head of a finished grouping a new task should join. ``raygroup.choose_groups`` and ``raygroup.add_task``
are the command's Python twins.
"""

import argparse
import re
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from raygroup.errors import ConfigError
from raygroup.files.places import parse_local_path, parse_place
from raygroup.terminal import Parser, console, print_json, print_line, run_command
from raygroup.values import COUNT

if TYPE_CHECKING:
    from raygroup.tables.choices.choice import Choice
    from raygroup.tables.choices.request import Request

_UNITS = {"": 1, "k": 1_000, "m": 1_000_000}
_MOST_PARAMETERS = 1e15


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""
    return run_command(lambda: _run(build_parser().parse_args(arguments)))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.choose", description="Choose which tasks share a head, within a budget, from heads of every group.",
        epilog="exit codes: 0 chosen, 2 bad input, such as a budget that no grouping meets",
    )  # fmt: skip
    parser.add_argument("sweep", nargs="?", metavar="SWEEP", help="a sweep of group heads (default: the newest one)")
    parser.add_argument("--heads", type=COUNT.parse, metavar="N", help="the most heads")
    parser.add_argument("--max-parameters", type=_parameters, metavar="N", help="the most weights of all heads, such as 300k or 12M")
    parser.add_argument("--max-latency-ms", type=float, metavar="MS", help="the most milliseconds to read a word, measured on one core")
    parser.add_argument(
        "--target-accuracy", type=float, metavar="SHARE", help="the least exact match on unseen words, such as 0.5; the smallest "
        "heads that reach it are chosen",
    )  # fmt: skip
    for name, meaning in (("together", "must share a head"), ("apart", "must not share a head")):
        parser.add_argument(
            f"--{name}", type=_pair, action="append", default=[], metavar="A,B", help=f"two tasks that {meaning}; repeatable"
        )
    parser.add_argument("--add", metavar="TASK", help="a new task: which head should it join, or should it get one of its own?")
    parser.add_argument("--to", metavar="GROUPS", help="the grouping that it comes to, such as 'ar+ko | bn' (default: that of the bank)")
    parser.add_argument("--latency", action="store_true", help="measure the milliseconds of a word, though there is no limit")
    parser.add_argument("--storage-path", type=parse_place, default=Path("runs"), help="where the sweeps are (default: ./runs)")
    parser.add_argument(
        "--out", type=parse_local_path, help="folder for choice.json, tables, picture and search space (default: the sweep's figures/)"
    )
    parser.add_argument("--json", action="store_true", help="print the choice as one JSON object")
    return parser


def _run(options: argparse.Namespace) -> None:
    (_choose if options.add is None else _add)(options)


def _choose(options: argparse.Namespace) -> None:
    from raygroup.choose.choosing import choose_groups
    from raygroup.tables.choices.choice_report import choice_json, choice_report
    from raygroup.tables.sheets.sheet import print_report

    choice = choose_groups(options.storage_path, options.sweep, request_of(options), latency=options.latency)
    if options.json:
        print_json(choice_json(choice))
    else:
        print_report(choice_report(choice), console())
    _write(choice, options)


def _add(options: argparse.Namespace) -> None:
    from raygroup.choose.adding import add_task, write_added_task
    from raygroup.tables.choices.added_task_report import added_task_json, added_task_report
    from raygroup.tables.sheets.sheet import print_report

    _require_no_budget(options)
    added = add_task(options.add, options.storage_path, options.sweep, options.to)
    if options.json:
        print_json(added_task_json(added))
    else:
        print_report(added_task_report(added), console())
    folder = options.out or added.sweep.figures_folder
    try:
        files = write_added_task(added, folder)
    except OSError as error:
        raise ConfigError(f"--out {folder}: cannot be written: {error}") from error
    if not options.json:
        print_line(console(), f"\n{len(files)} files in {folder}")


def _require_no_budget(options: argparse.Namespace) -> None:
    for flag in ("heads", "max_parameters", "max_latency_ms", "target_accuracy", "together", "apart", "latency"):
        if getattr(options, flag):
            raise ConfigError(f"--{flag.replace('_', '-')}: it is a budget for a whole grouping; leave it out with --add")


def request_of(options: argparse.Namespace) -> "Request":
    """Return the request of the command's arguments."""
    from raygroup.tables.choices.request import Request

    return Request(
        heads=options.heads, max_parameters=options.max_parameters, max_latency_ms=options.max_latency_ms,
        target_accuracy=options.target_accuracy, together=tuple(options.together), apart=tuple(options.apart),
    )  # fmt: skip


def _write(choice: "Choice", options: argparse.Namespace) -> None:
    from raygroup.choose.choosing import write_choice

    folder = options.out or choice.sweep.figures_folder
    try:
        files = write_choice(choice, folder, options.storage_path)
    except OSError as error:
        raise ConfigError(f"--out {folder}: cannot be written: {error}") from error
    if options.json:
        return
    out, storage = console(), options.storage_path
    print_line(out, f"\n{len(files)} files in {folder}")
    print_line(out, f"to train it: python -m raygroup.sweep {folder}/chosen.py --storage-path {storage}")
    print_line(out, f"to export it: python -m raygroup.export {folder}/choice.json OUT --storage-path {storage}")


def _parameters(text: str) -> int:
    """Parse ``12M``, ``300k`` or ``250000``."""
    match = re.fullmatch(r"(\d+(?:\.\d+)?)([kKmM]?)", text.replace(",", "").replace("_", ""))
    if not match or not 0 < float(match[1]) < _MOST_PARAMETERS:
        raise argparse.ArgumentTypeError(f"'{text}' is no number of parameters: write 250000, 300k or 12M")
    return int(float(match[1]) * _UNITS[match[2].lower()])


def _pair(text: str) -> tuple[str, str]:
    one, _, other = (part.strip() for part in text.partition(","))
    if not one or not other or "," in other or one == other:
        raise argparse.ArgumentTypeError(f"'{text}' does not name two tasks: write them as ar,zh")
    return one, other


if __name__ == "__main__":
    sys.exit(main())
