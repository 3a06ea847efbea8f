"""``python -m raygroup.data``: inspect, import, render, export and compare data sets of scenes and words."""

import argparse
from collections.abc import Sequence

from raygroup.data import duplicates, export, importing, inspection, render, render_words
from raygroup.terminal import Parser, command_line, console, run_command


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the command and return its exit code."""

    def run() -> None:
        options = build_parser().parse_args(arguments)
        options.run(options, console())

    return run_command(run, resume=command_line("raygroup.data", arguments))


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments.

    It sets ``run`` to the function of the subcommand, which takes the options and a console.
    """
    parser = Parser(
        prog="python -m raygroup.data", description="Inspect, import, render, export and compare data sets of scenes and words.",
        epilog="exit codes: 0 done, 2 bad input, 3 storage or a worker failed, 130 interrupted; after 3 and 130 the same command continues",
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True)
    for subcommand in (inspection, importing, render, render_words, export, duplicates):
        subcommand.add_parser(commands)
    return parser


if __name__ == "__main__":
    raise SystemExit(main())
