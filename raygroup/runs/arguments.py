"""The subcommands of ``python -m raygroup.runs`` and their arguments."""

import argparse
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from raygroup.errors import ConfigError
from raygroup.files.places import Place, parse_local_path, parse_place, place
from raygroup.terminal import Parser

DEFAULT_STORAGES: tuple[Place, ...] = (Path("runs"),)
"""The storage paths if none are named."""
_SWEEP_NAME = "name of a sweep, as 'list' shows it"
_WITH_STORAGES = ("list", "show", "pictures", "status", "logs", "compare", "stop", "clean")
_WITH_TABLES = ("list", "show", "pictures", "status", "logs", "compare", "clean")


class _Parser(Parser):
    """A parser of ``pull``, or of another subcommand."""

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Make SOURCE optional if --storage-path names it.

        SOURCE cannot always be optional: argparse would then refuse flags between the two folders.
        """
        source = next((action for action in self._actions if action.dest == "source"), None)
        if source and any(word.partition("=")[0] == "--storage-path" for word in args or ()):
            source.nargs = "?"
        return super().parse_known_args(args, namespace)


def build_parser() -> argparse.ArgumentParser:
    """Return the parser of the command's arguments."""
    parser = Parser(
        prog="python -m raygroup.runs", description="List, show, draw, compare, stop, retry, copy and clean the sweeps on a storage path.",
        epilog="exit codes: 0 done, 2 bad input, 3 the storage path failed, 130 interrupted; after 3 and 130 the same command continues",
    )  # fmt: skip
    commands = parser.add_subparsers(dest="command", required=True, parser_class=_Parser)
    parsers = {name: commands.add_parser(name, help=text) for name, text in _PURPOSES.items()}
    parsers["show"].add_argument("sweep", help=_SWEEP_NAME)
    parsers["show"].add_argument(
        "--trial",
        metavar="TRIAL",
        help="the trial whose tasks are shown: an id, the beginning of one, or a part of a label (default: the best)",
    )
    parsers["pictures"].add_argument("sweep", help=_SWEEP_NAME)
    parsers["status"].add_argument("--sweep", metavar="NAME", help="only this sweep")
    parsers["status"].add_argument("--watch", action="store_true", help="repeat until nothing is left to train, or until Ctrl-C")
    parsers["logs"].add_argument("trial", help="an id, the beginning of one, or a part of a label")
    parsers["logs"].add_argument("--all", action="store_true", help="the stacks of every stall, not only of the last")
    for side in ("one", "other"):
        parsers["compare"].add_argument(side, help="a sweep by name, a trial by id or label, or the folder of either")
    parsers["stop"].add_argument("sweep", help=_SWEEP_NAME)
    _add_retry(parsers["retry"])
    _add_pull(parsers["pull"])
    _add_clean(parsers["clean"])
    for name in _WITH_TABLES:
        parsers[name].add_argument("--json", action="store_true", help="print JSON, with numbers that are not rounded")
    for name in _WITH_STORAGES:
        parsers[name].add_argument(
            "storage", nargs="*", type=parse_place, default=(), metavar="STORAGE", help="storage paths, also s3:// (default: ./runs)"
        )
        parsers[name].add_argument("--storage-path", action="append", type=parse_place, metavar="STORAGE", help="the same; repeatable")
    return parser


_PURPOSES = {
    "list": "the sweeps, their state and size",
    "show": "the trials of a sweep: state, grouping, accuracy, and the scores of each task",
    "pictures": "draw the assignment over time and some words of every finished trial of a sweep",
    "status": "how far sweeps are, also those that run on other machines",
    "logs": "a trial's attempts, why it failed, its traceback, and the stacks of its stalls",
    "compare": "two sweeps or two trials: settings, groupings and their agreement, scores with intervals",
    "stop": "ask a sweep to stop, wherever it runs; the same sweep command resumes it",
    "retry": "have failed trials tried again, by a running driver or by the next one",
    "pull": "copy sweeps to this machine; repeat it while they run",
    "clean": "remove what is no longer needed: older checkpoints and attempts of finished trials, failed trials",
}


def storage_paths(options: argparse.Namespace) -> tuple[Place, ...]:
    """Return the storage paths that the user named, or the default."""
    return (*options.storage, *(options.storage_path or ())) or DEFAULT_STORAGES


def retry_arguments(options: argparse.Namespace) -> tuple[Sequence[str], Sequence[Place]]:
    """Return the names of trials, and the storage paths.

    Without --storage-path, the last name is the storage path if it is a folder, or if it has a
    slash and no equals sign: no id has slashes, and a label has equals signs.
    """
    if options.storage_path:
        return options.trials, options.storage_path
    last = options.trials[-1] if options.trials else ""
    if "://" in last or ("/" in last and "=" not in last) or (last and Path(last).expanduser().is_dir()):
        return options.trials[:-1], (place(last),)
    return options.trials, DEFAULT_STORAGES


def pull_source(options: argparse.Namespace) -> Place:
    """Return the storage path to copy from. Raises ConfigError if it is named twice."""
    if options.storage_path and options.source:
        raise ConfigError(f"--storage-path {options.storage_path}: SOURCE {options.source} is named too; name only one of them")
    source: Place = options.storage_path or options.source
    return source


def _add_retry(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("sweep", help=_SWEEP_NAME)
    parser.add_argument(
        "trials", nargs="*", metavar="TRIAL",
        help="trials, by id or label (default: all that failed); the last one may be the storage path (default: ./runs)",
    )  # fmt: skip
    parser.add_argument(
        "--storage-path", action="append", type=parse_place, metavar="STORAGE", help="a storage path, also s3://; repeatable"
    )  # fmt: skip


def _add_pull(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "source", type=parse_place, metavar="SOURCE", help="a storage path, such as s3://bucket/runs; or use --storage-path"
    )
    parser.add_argument("target", type=parse_local_path, metavar="TARGET", help="a folder of this machine, which becomes a storage path")
    parser.add_argument("--storage-path", type=parse_place, metavar="SOURCE", help="the storage path to copy from, in place of SOURCE")
    parser.add_argument("--sweep", metavar="NAME", help="only this sweep")
    parser.add_argument(
        "--checkpoints", choices=("none", "last", "all"), default="none", help="trained heads and states to resume from (default: none)"
    )
    parser.add_argument("--caches", action="store_true", help="also the words, features and weights that the sweeps read")


def _add_clean(parser: argparse.ArgumentParser) -> None:
    parser.description = (
        "Remove older checkpoints, attempts, half-written files and stacks of stalls of finished trials, failed trials, and what "
        "schedulers left of finished sweeps. Histories, predictions and trained heads (the last checkpoint) of finished trials stay, and "
        "so does everything of unfinished ones."
    )
    parser.add_argument("--cache", action="store_true", help="also prepared words and features that no unfinished sweep uses")
    parser.add_argument("--heads", action="store_true", help="also the trained heads of finished trials: their last checkpoints")
    parser.add_argument("--dry-run", action="store_true", help="list what would be removed, and remove nothing")
