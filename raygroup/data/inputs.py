"""Arguments that several subcommands of ``data`` share."""

import argparse
import re
from typing import Any

from raygroup.files.places import parse_local_path
from raygroup.values import CHARACTERS

Subparsers = Any
"""The result of ``add_subparsers``, whose class argparse does not export."""


def add_data_set_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the arguments that name a published data set."""
    parser.add_argument(
        "paths", nargs="+", type=parse_local_path, metavar="PATH", help="folders, zips, tarballs, label files that belong together"
    )
    parser.add_argument("--format", metavar="NAME", help="the data set's layout (default: recognise it)")
    parser.add_argument("--name", help="the data set's name in the stores (default: that of its first path)")
    add_json_argument(parser)


def add_json_argument(parser: argparse.ArgumentParser) -> None:
    """Add ``--json``."""
    parser.add_argument("--json", action="store_true", help="print one JSON object")


def data_set_name(options: argparse.Namespace) -> str:
    """Return the data set's name in the stores.

    Without ``--name`` it comes from the first path. Characters that cannot stand in a file's name
    become ``-``.
    """
    path = options.paths[0].resolve()
    name = path.name.split(".")[0] if path.is_file() else path.name
    return options.name or re.sub(r"[^\w.-]+", "-", name) or "scenes"


def parse_characters(text: str) -> tuple[int, tuple[tuple[str, int], ...]]:
    """Return the number for all tasks and the pairs of tasks that differ, from ``600,ja=1500``."""
    common, pairs = 600, []
    for place, part in enumerate(text.split(",")):
        task, separator, count = part.rpartition("=")
        if separator and task:
            pairs.append((task, CHARACTERS.parse(count)))
        elif place == 0 and not separator:
            common = CHARACTERS.parse(part)
        else:
            raise argparse.ArgumentTypeError(f"{text!r:.60} must be a number, pairs such as ja=1500,zh=2000, or both: 600,ja=1500")
    return common, tuple(pairs)
