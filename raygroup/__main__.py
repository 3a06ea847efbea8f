"""``raygroup COMMAND`` or ``python -m raygroup COMMAND``: run a command by name, or list the commands."""

import argparse
import importlib
import sys
from collections.abc import Sequence
from typing import Any

from raygroup.terminal import Parser, run_command

COMMANDS = {
    "sweep": "run the trials of a search space, and resume them",
    "runs": "list, show, compare, stop, retry, copy and clean sweeps",
    "report": "write the report of a sweep as one HTML page",
    "export": "write a finished trial as a package that reads words anywhere",
    "read": "read images of words with a package or a finished trial",
    "spot": "find and read the words of photographs",
    "choose": "choose which tasks share a head, within a budget",
    "reproduce": "rebuild a table of the paper from finished sweeps",
    "data": "inspect, import, render, export and compare data sets",
    "features": "run the frozen trunk over a data set, once",
    "evaluate": "score a submission as the official script does",
    "weights": "import the weights of a released spotter",
    "pretrain": "train the trunk and the universal head (stage 1)",
    "cluster": "check a cluster file, prepare AWS, watch for spot notices, run a job",
}
"""The name of every command, and its purpose. ``raygroup NAME`` is ``python -m raygroup.NAME``."""
_PACKAGES = {"runs", "choose", "data", "cluster", "export", "pretrain", "read", "report", "spot", "weights"}
"""Commands of several modules, whose ``main`` is in ``__main__``."""


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a command and return its exit code. The command parses its own arguments."""
    return run_command(lambda: _run(_parser().parse_args(arguments)))


def _run(options: argparse.Namespace) -> int:
    if options.command is None:
        _parser().print_help()
        return 0
    exit_code: int = command_module(options.command).main(options.arguments)
    return exit_code


def command_module(name: str) -> Any:
    """Return the module of a command. It has the functions ``main`` and ``build_parser``."""
    return importlib.import_module(f"raygroup.{name}" + (".__main__" if name in _PACKAGES else ""))


def _parser() -> argparse.ArgumentParser:
    width = max(map(len, COMMANDS))
    lines = "\n".join(f"  {name:{width}}  {purpose}" for name, purpose in COMMANDS.items())
    parser = Parser(
        prog="raygroup", usage="raygroup COMMAND [arguments]", formatter_class=argparse.RawDescriptionHelpFormatter,
        description=f"Decide which languages should share a recognition head.\n\ncommands:\n{lines}",
        epilog="raygroup COMMAND --help lists the arguments of a command. python -m raygroup.COMMAND is the same.",
    )  # fmt: skip
    parser.add_argument("--version", action="version", version=f"raygroup {_version()}")
    parser.add_argument("command", nargs="?", choices=COMMANDS, metavar="COMMAND", help="one of the commands above")
    parser.add_argument("arguments", nargs=argparse.REMAINDER, help=argparse.SUPPRESS)
    return parser


def _version() -> str:
    from importlib.metadata import version

    return version("raygroup")


if __name__ == "__main__":
    sys.exit(main())
