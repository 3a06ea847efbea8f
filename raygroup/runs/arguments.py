"""The commands of ``raygroup.runs.__main__`` and their flags."""

import argparse
from pathlib import Path

from raygroup.files.places import Place, place_named

DEFAULT: tuple[Place, ...] = (Path("runs"),)
"""Storage paths where none are named."""


def parser(description: str | None) -> argparse.ArgumentParser:
    made = argparse.ArgumentParser(
        prog="python -m raygroup.runs", description=description,
        epilog="exit codes: 0 done, 2 bad input, 3 the storage path failed, 130 interrupted; after the last two the same command goes on",
    )  # fmt: skip
    commands = made.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the sweeps, their state and size")
    showing = commands.add_parser("show", help="the trials of a sweep: state, grouping, accuracy")
    showing.add_argument("sweep", help="name of a sweep, as 'list' shows it")
    following = commands.add_parser("status", help="how far sweeps are, also those trained elsewhere")
    following.add_argument("--sweep", metavar="NAME", help="this sweep alone")
    following.add_argument("--json", action="store_true", help="one JSON object")
    following.add_argument("--watch", action="store_true", help="look again until nothing is left to train, or until Ctrl-C")
    logging = commands.add_parser("logs", help="a trial's attempts, why it failed, its traceback, stacks of stalls")
    logging.add_argument("trial", help="an id, the beginning of one, or a part of a label")
    logging.add_argument("--all", action="store_true", help="the stacks of every stall, not of the last alone")
    stopping = commands.add_parser("stop", help="ask a sweep to stop, wherever it runs; it can be gone on with")
    stopping.add_argument("sweep", help="name of a sweep, as 'list' shows it")
    retrying = commands.add_parser("retry", help="have failed trials tried again, by a driver that runs or by the next")
    retrying.add_argument("sweep", help="name of a sweep, as 'list' shows it")
    retrying.add_argument(
        "named",
        nargs="*",
        metavar="TRIAL",
        help="trials, by id or label (default: all that failed); then the storage path (default: ./runs)",
    )
    _add_pull(commands.add_parser("pull", help="copy sweeps to this machine, again and again while they run"))
    cleaning = commands.add_parser(
        "clean",
        help="remove what is no longer needed: older checkpoints and attempts of finished trials, failed trials",
        description="Removes older checkpoints, attempts, half-written files and stacks of stalls of finished trials, failed trials, and "
        "what schedulers left of finished sweeps. Histories, predictions and trained heads (the last checkpoint) of finished trials and "
        "everything of unfinished ones stay.",
    )
    cleaning.add_argument("--cache", action="store_true", help="also prepared words and features that no unfinished sweep uses")
    cleaning.add_argument("--heads", action="store_true", help="also the trained heads of finished trials: their last checkpoints")
    cleaning.add_argument("--dry-run", action="store_true", help="list what would go, remove nothing")
    for command in (listing, showing, following, logging, stopping, cleaning):
        command.add_argument("storage", nargs="*", type=place_named, default=DEFAULT, help="storage paths, also s3:// (default: ./runs)")
    return made


def _add_pull(pulling: argparse.ArgumentParser) -> None:
    pulling.add_argument("source", type=place_named, help="a storage path, such as s3://bucket/runs")
    pulling.add_argument("target", type=Path, help="a folder of this machine, which becomes a storage path")
    pulling.add_argument("--sweep", metavar="NAME", help="this sweep alone")
    pulling.add_argument(
        "--checkpoints", choices=("none", "last", "all"), default="none", help="trained heads and states to go on from (default: none)"
    )
    pulling.add_argument("--caches", action="store_true", help="also the words, features and weights that the sweeps read")
