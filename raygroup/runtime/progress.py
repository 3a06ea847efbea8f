"""What the driver shows while trials train: one line a trial on a terminal, one plain line now and then without one."""

import json
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from raygroup.runtime.ledger import FAILED, PROGRESS
from raygroup.runtime.plan import Job
from raygroup.terminal import seconds_text, table

_LOOK_S = 0.5
_PLAIN_LINE_S = 20.0
_BEGAN_S = time.time()
"""When this driver began: an older progress file is of an interrupted one."""


@contextmanager
def preparing(console: Console) -> Iterator[Any]:
    """A function (what, done, of) that shows how far the words are."""
    if not console.is_terminal:
        seen: set[str] = set()

        def plain(what: str, done: int, of: int) -> None:
            if what not in seen and done == of:
                seen.add(what)
                console.print(f"{of} {what}")

        yield plain
        return
    with Progress(TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn(), console=console) as bars:
        numbers: dict[str, Any] = {}

        def bar(what: str, done: int, of: int) -> None:
            if what not in numbers:
                numbers[what] = bars.add_task(what, total=of)
            bars.update(numbers[what], completed=done)

        yield bar


@contextmanager
def watching(console: Console, jobs: Sequence[Job], what: str) -> Iterator[None]:
    """Follows the jobs' progress files from a thread until the block ends."""
    ended = threading.Event()
    show = _live if console.is_terminal else _plain
    thread = threading.Thread(target=show, args=(console, jobs, what, ended, time.monotonic()), daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _live(console: Console, jobs: Sequence[Job], what: str, ended: threading.Event, started: float) -> None:
    with Live(console=console, refresh_per_second=2) as live:
        while True:
            last = ended.wait(_LOOK_S)
            live.update(Group(*_lines(jobs, what, time.monotonic() - started, console.height - 4)))
            if last:
                return


def _plain(console: Console, jobs: Sequence[Job], what: str, ended: threading.Event, started: float) -> None:
    while not ended.wait(_PLAIN_LINE_S):
        states = [_progress(job) for job in jobs]
        done = sum(job.done for job in jobs)
        running = [
            f"{job.label}: {said['step']}/{said['steps']} {said['grouping']}"
            for job, said in zip(jobs, states, strict=True)
            if said and not job.done and said["step"] < said["steps"]
        ]
        console.print(f"{what} {seconds_text(time.monotonic() - started)}: {done} of {len(jobs)} trials done; {'; '.join(running[:4])}")


def _lines(jobs: Sequence[Job], what: str, seconds: float, most: int) -> Iterator[Table | Text]:
    """The trials that run, then those that ended, as many as fit."""
    states = {job.id: _progress(job) for job in jobs}
    active = [job for job in jobs if states[job.id] and not job.done and not (job.folder / FAILED).exists()]
    ended = [job for job in jobs if job.done or (job.folder / FAILED).exists()]
    yield Text(
        f"{what}: {sum(job.done for job in jobs)} of {len(jobs)} trials done, {len(active)} running, {seconds_text(seconds)}", "bold"
    )
    right = ("step", "words/s", "left", "recognition", "grouping loss", "task", "decided")
    rows = table("trial", *right, "grouping now", right=right)
    for job in (active + ended)[: max(most, 3)]:
        said = states[job.id]
        if said:
            rows.add_row(*_row(job, said), style="dim" if job in ended else "")
    yield rows


def _row(job: Job, said: dict[str, Any]) -> list[str]:
    losses = said["losses"]
    left = "failed" if (job.folder / FAILED).exists() else "done" if job.done else seconds_text(said["left_s"])
    shown = [f"{losses[name]:.3f}" for name in ("integrated", "grouping", "task")]
    speed, decided = f"{said['words_per_s']:.0f}", f"{said['decisiveness']:.2f}"
    return [job.label, f"{said['step']}/{said['steps']}", speed, left, *shown, decided, said["grouping"]]


def _progress(job: Job) -> dict[str, Any]:
    """What the trial's process last said; nothing where it was said before this driver began."""
    try:
        path = job.folder / PROGRESS
        return dict(json.loads(path.read_text(encoding="utf-8"))) if path.stat().st_mtime >= _BEGAN_S else {}
    except (OSError, json.JSONDecodeError):
        return {}
