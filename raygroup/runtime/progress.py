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

from raygroup.runtime.planning.jobs import Job
from raygroup.storage.layout import FAILED_FILE, PROGRESS_FILE
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


class Board:
    """What is known of the trials of a run while it lasts; told by whoever schedules them, from any thread."""

    def __init__(self, console: Console, jobs: Sequence[Job], what: str) -> None:
        self.console, self.jobs, self.what = console, {job.id: job for job in jobs}, what
        self.began = time.monotonic()
        self.running: dict[str, Job] = {}
        self.over: dict[str, Job] = {}
        """Done or failed, the newest last."""
        self.done = 0
        self.lock = threading.Lock()

    def on_start(self, ids: Sequence[str]) -> None:
        with self.lock:
            for job in ids:
                self.running[job] = self.jobs[job]
                self.over.pop(job, None)

    def on_end(self, ids: Sequence[str]) -> None:
        with self.lock:
            for job in ids:
                self.running.pop(job, None)
                if self.jobs[job].done:
                    self.over[job] = self.jobs[job]
                    self.done += 1
                elif (self.jobs[job].folder / FAILED_FILE).is_file():
                    self.over[job] = self.jobs[job]

    def on_message(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, markup=False)

    def title(self) -> str:
        took = seconds_text(time.monotonic() - self.began)
        return f"{self.what} {took}: {self.done} of {len(self.jobs)} trials done, {len(self.running)} running"

    def shown(self, most: int) -> list[tuple[Job, dict[str, Any]]]:
        """The trials that run, then those that ended last, as many as asked for, with what they last said."""
        with self.lock:
            jobs = [*self.running.values(), *reversed(self.over.values())][:most]
        return [(job, said) for job in jobs if (said := _progress(job))]


@contextmanager
def watching(console: Console, jobs: Sequence[Job], what: str) -> Iterator[Board]:
    """Shows from a thread how far the jobs are, until the block ends."""
    board, ended = Board(console, jobs, what), threading.Event()
    thread = threading.Thread(target=_live if console.is_terminal else _plain, args=(board, ended), daemon=True)
    thread.start()
    try:
        yield board
    finally:
        ended.set()
        thread.join()


def _live(board: Board, ended: threading.Event) -> None:
    with Live(console=board.console, refresh_per_second=2) as live:
        while True:
            last = ended.wait(_LOOK_S)
            live.update(Group(*_lines(board)))
            if last:
                return


def _plain(board: Board, ended: threading.Event) -> None:
    while not ended.wait(_PLAIN_LINE_S):
        running = [
            f"{job.label}: {said['step']}/{said['steps']} {said['grouping']}" for job, said in board.shown(4) if job.id in board.running
        ]
        board.console.print("; ".join([board.title(), *running]), soft_wrap=True, markup=False)


def _lines(board: Board) -> Iterator[Table | Text]:
    yield Text(board.title(), "bold")
    right = ("step", "words/s", "left", "recognition", "grouping loss", "task", "decided")
    rows = table("trial", *right, "grouping now", right=right)
    for job, said in board.shown(max(board.console.height - 4, 3)):
        rows.add_row(*_row(board, job, said), style="" if job.id in board.running else "dim")
    yield rows


def _row(board: Board, job: Job, said: dict[str, Any]) -> list[str]:
    losses = said["losses"]
    left = seconds_text(said["left_s"]) if job.id in board.running else "done" if said["step"] == said["steps"] else "failed"
    shown = [f"{losses[name]:.3f}" for name in ("integrated", "grouping", "task") if name in losses]
    speed, decided = f"{said['words_per_s']:.0f}", f"{said['decisiveness']:.2f}"
    return [job.label, f"{said['step']}/{said['steps']}", speed, left, *shown, decided, said["grouping"]]


def _progress(job: Job) -> dict[str, Any]:
    """What the trial's process last said; nothing where it was said before this driver began."""
    try:
        said = dict(json.loads((job.folder / PROGRESS_FILE).read_text(encoding="utf-8")))
        return said if said["at"] >= _BEGAN_S else {}
    except (OSError, json.JSONDecodeError, KeyError):
        return {}
