"""``python -m raygroup.runs list|show|clean``: what lies under a storage path, and making room in it."""

import argparse
from collections.abc import Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from raygroup.config import ConfigError
from raygroup.files.places import Place, place, size_of
from raygroup.history.storage import CACHE, DONE, FAILED, NOT_STARTED, UNFINISHED, StoredSweep, StoredTrial, read_sweeps
from raygroup.terminal import console, refuse, show, size_text, table

STATES = (DONE, FAILED, UNFINISHED, NOT_STARTED)


def main(arguments: Sequence[str] | None = None) -> int:
    given = _parser().parse_args(arguments)
    out = console()
    try:
        if given.command == "list":
            for storage in given.storage:
                list_sweeps(storage, out)
        elif given.command == "show":
            show_sweep(find_sweep(given.sweep, given.storage), out)
        else:
            for storage in given.storage:
                clean(storage, out, include_caches=given.cache, include_heads=given.heads, dry_run=given.dry_run)
    except ConfigError as error:
        return refuse(error)
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m raygroup.runs", description=__doc__)
    commands = parser.add_subparsers(dest="command", required=True)
    listing = commands.add_parser("list", help="the sweeps, their state and size")
    showing = commands.add_parser("show", help="the trials of a sweep: state, grouping, accuracy")
    showing.add_argument("sweep", help="name of a sweep, as 'list' shows it")
    cleaning = commands.add_parser(
        "clean",
        help="remove what is no longer needed: older checkpoints and attempts of finished trials, failed trials",
        description="Removes older checkpoints, attempts and half-written files of finished trials, and failed trials. Histories, "
        "predictions and trained heads (the last checkpoint) of finished trials and everything of unfinished ones stay.",
    )
    cleaning.add_argument("--cache", action="store_true", help="also prepared words and features that no unfinished sweep uses")
    cleaning.add_argument("--heads", action="store_true", help="also the trained heads of finished trials: their last checkpoints")
    cleaning.add_argument("--dry-run", action="store_true", help="list what would go, remove nothing")
    for command in (listing, showing, cleaning):
        command.add_argument("storage", nargs="*", type=place, default=[Path("runs")], help="storage paths (default: ./runs)")
    return parser


def list_sweeps(storage: Place, out: Console) -> None:
    """One row a sweep, the newest last, and the size of the caches."""
    rows = table("sweep", *STATES, "finished at", "size", right=(*STATES, "size"))
    for sweep in read_sweeps(storage):
        counts = [str(len(sweep.in_state(state)) or "") for state in STATES]
        rows.add_row(escape(sweep.name), *counts, sweep.finished_at[:19] or "-", size_text(size_of(sweep.folder)))
    if not rows.row_count:
        out.print(f"{storage}: no sweep; make one with 'python -m raygroup.sweep --storage-path {storage}'", soft_wrap=True)
    else:
        show(out, str(storage), rows)
    cache = size_of(storage / CACHE)
    if cache:
        out.print(f"caches: {size_text(cache)}")


def find_sweep(name: str, storages: Sequence[Place]) -> StoredSweep:
    """The sweep of a name; raises ConfigError that lists the names there are."""
    sweeps = [sweep for storage in storages for sweep in read_sweeps(storage)]
    named = [sweep for sweep in sweeps if sweep.name == name]
    if not named:
        known = ", ".join(sorted({sweep.name for sweep in sweeps})) or "none"
        raise ConfigError(f"no sweep '{name}' in {', '.join(map(str, storages))}; there are: {known}")
    return named[-1]


def show_sweep(sweep: StoredSweep, out: Console) -> None:
    """The hypothesis; one row a trial; the reason under the table where one failed."""
    out.print(sweep.hypothesis, markup=False, soft_wrap=True)
    numbers = ("steps", "max P_TM", "settled at", "accuracy", "1-NED")
    rows = table("trial", "state", "grouping", *numbers, right=numbers)
    for trial in sweep.trials:
        label = trial.label if trial.declared else f"{trial.label} (no longer in the sweep)"
        rows.add_row(escape(label), trial.state, *_evidence(trial), *_accuracy(trial))
    show(out, str(sweep.folder), rows)
    out.print("accuracy and 1-NED: words never trained on, routed by the classifier, mean over tasks", style="dim", soft_wrap=True)
    for trial in sweep.in_state(FAILED):
        outcome = trial.outcome()
        out.print(f"{trial.label} failed at step {outcome.get('step')}: {outcome.get('reason')}", markup=False, soft_wrap=True)


def _evidence(trial: StoredTrial) -> tuple[str, str, str, str]:
    from raygroup.history.assignments import assignment, decisiveness, grouping, settling_row
    from raygroup.history.reader import read_history
    from raygroup.history.schema import HistoryError

    try:
        history = read_history(trial.folder)
    except HistoryError:
        if trial.state == DONE:
            raise
        return "-", "", "", ""
    assigned = assignment(history.r_tm)
    now = grouping(history.tasks, history.heads, assigned[-1])
    settled = str(history.step[settling_row(assigned)])
    return str(now), str(history.step[-1]), f"{decisiveness(history.r_tm[-1]):.2f}", settled


def _accuracy(trial: StoredTrial) -> tuple[str, str]:
    from raygroup.scoring.predictions import FILE, read_predictions, score_predictions

    path = trial.folder / FILE
    if not path.is_file():
        return "", ""
    score = score_predictions(read_predictions(path, ["split", "task", "text", "reading"]), "unseen").mean
    return f"{score.accuracy:.3f}", f"{score.one_minus_ned:.3f}"


def clean(storage: Place, out: Console, *, include_caches: bool, include_heads: bool, dry_run: bool) -> None:
    """Removes leftovers and lists them with their sizes; with ``dry_run`` only lists them."""
    from raygroup.history.leftovers import leftovers

    found = leftovers(storage, include_caches=include_caches, include_heads=include_heads)
    rows = table("size", "what", "where", right=("size",))
    for leftover in found:
        if not dry_run:
            leftover.remove()
        rows.add_row(size_text(leftover.size), leftover.reason, escape(str(leftover.path)[len(str(storage)) + 1 :]))
    if found:
        show(out, str(storage), rows)
    total = size_text(sum(leftover.size for leftover in found))
    out.print(f"{storage}: {total} {'would go (nothing was removed)' if dry_run else 'removed'}", soft_wrap=True, markup=False)


if __name__ == "__main__":
    raise SystemExit(main())
