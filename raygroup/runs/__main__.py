"""``python -m raygroup.runs``: what lies under a storage path, how far sweeps are, requests to them, copies, and making room."""

import argparse
import contextlib
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from rich.console import Console
from rich.markup import escape

from raygroup.errors import ConfigError
from raygroup.files.places import Place, place, size_of
from raygroup.runs.arguments import DEFAULT, parser
from raygroup.runs.find import STATES, find_sweep, find_trial, states
from raygroup.storage.sweeps import CACHE, DONE, FAILED, StoredSweep, StoredTrial, read_sweeps
from raygroup.terminal import console, refuse, show, size_text, table

_STORAGE_FAILED, _INTERRUPTED = 3, 130
_PLAIN_LINE_S = 15.0


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser(__doc__).parse_args(arguments)
    out = console()
    try:
        _do(given, out)
    except ConfigError as error:
        return refuse(error)
    except OSError as error:
        print(f"raygroup: {error}; the same command goes on", file=sys.stderr)
        return _STORAGE_FAILED
    except KeyboardInterrupt:
        return _INTERRUPTED
    return 0


def _do(given: argparse.Namespace, out: Console) -> None:
    if given.command == "list":
        for storage in given.storage:
            list_sweeps(storage, out)
    elif given.command == "show":
        show_sweep(find_sweep(given.sweep, given.storage), out)
    elif given.command == "status":
        from raygroup.runs.status import show_status

        show_status(given.storage, given.sweep, out, as_json=given.json, watch=given.watch)
    elif given.command == "logs":
        from raygroup.runs.logs import show_logs

        show_logs(*find_trial(given.trial, given.storage), out, every=given.all)
    elif given.command in ("stop", "retry"):
        _request(given, out)
    elif given.command == "pull":
        _pull(given, out)
    else:
        for storage in given.storage:
            clean(storage, out, include_caches=given.cache, include_heads=given.heads, dry_run=given.dry_run)


def _request(given: argparse.Namespace, out: Console) -> None:
    from raygroup.runs.requests import retry, stop

    if given.command == "stop":
        stop(find_sweep(given.sweep, given.storage), out)
    else:
        named, storages = _named_and_storage(given.named)
        retry(find_sweep(given.sweep, storages), named, out)


def _named_and_storage(named: Sequence[str]) -> tuple[Sequence[str], Sequence[Place]]:
    """Trials, and the storage path where the last name is one: a folder that is there, or a name with slashes, which no id has."""
    last = named[-1] if named else ""
    if "://" in last or ("/" in last and "=" not in last) or (last and Path(last).is_dir()):
        return named[:-1], (place(last),)
    return named, DEFAULT


def _pull(given: argparse.Namespace, out: Console) -> None:
    from raygroup.storage.pull import pull

    with _bytes_shown(out) as told:
        found = pull(
            given.source, given.target, sweep=given.sweep, checkpoints=given.checkpoints, include_caches=given.caches, told=told
        )  # fmt: skip
    said = f"{found.copied} files copied ({size_text(found.bytes)}), {found.kept} were there already"
    out.print(f"{given.target}: {said}", markup=False, soft_wrap=True)


@contextlib.contextmanager
def _bytes_shown(out: Console) -> Iterator[Callable[[int, int], None]]:
    """Gives what is to be told (bytes copied, bytes to copy): a bar, or without a terminal a line now and then."""
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    if out.is_terminal:
        with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=out, transient=True) as progress:
            bar = progress.add_task("", total=None)
            yield lambda copied, to_copy: progress.update(bar, completed=copied, total=to_copy)
        return
    said = time.monotonic()

    def plain(copied: int, to_copy: int) -> None:
        nonlocal said
        if time.monotonic() - said >= _PLAIN_LINE_S:
            said = time.monotonic()
            out.print(f"{size_text(copied)} of {size_text(to_copy)} copied", soft_wrap=True)

    yield plain


def list_sweeps(storage: Place, out: Console) -> None:
    """One row a sweep, the newest last, and the size of the caches."""
    rows = table("sweep", *STATES, "finished at", "size", right=(*STATES, "size"))
    for sweep in read_sweeps(storage):
        found = list(states(sweep).values())
        counts = [str(found.count(state) or "") for state in STATES]
        rows.add_row(escape(sweep.name), *counts, sweep.finished_at[:19] or "-", size_text(size_of(sweep.folder)))
    if not rows.row_count:
        out.print(f"{storage}: no sweep; make one with 'python -m raygroup.sweep --storage-path {storage}'", soft_wrap=True)
    else:
        show(out, str(storage), rows)
    cache = size_of(storage / CACHE)
    if cache:
        out.print(f"caches: {size_text(cache)}")


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
    from raygroup.errors import HistoryError
    from raygroup.history.assignments import assignment, decisiveness, grouping, settling_row
    from raygroup.history.reader import read_history

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
    from raygroup.storage.cleanup import leftovers

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
