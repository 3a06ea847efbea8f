"""Show progress while words are prepared and trials train.

A terminal gets live bars and a live table. Other output gets a plain line now and then.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TaskID, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from raygroup.runtime.planning.jobs import Job
from raygroup.storage.layout import FAILED_FILE, PROGRESS_FILE
from raygroup.terminal import seconds_text, table

_REFRESH_S = 0.5
_PLAIN_LINE_S = 20.0
_MAX_PLAIN_TRIALS = 4
_START_S = time.time()
"""Start of this driver. An older progress file belongs to a run that was interrupted."""


@contextmanager
def progress_bars(console: Console) -> Iterator[Callable[[str, int, int], None]]:
    """Show a bar for each kind of work.

    Yields the function that updates a bar. Its arguments are a label, the number of finished items,
    and the number of all items. Without a terminal it prints a line with the time left now and
    then, and one when a kind of work is finished.
    """
    if not console.is_terminal:
        yield _PlainProgress(console).update
        return
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
    with Progress(*columns, console=console) as bars:
        task_ids: dict[str, TaskID] = {}

        def update_bar(label: str, done: int, total: int) -> None:
            if label not in task_ids:
                task_ids[label] = bars.add_task(label, total=total)
            bars.update(task_ids[label], completed=done)

        yield update_bar


class _PlainProgress:
    """Prints the progress of each kind of work in plain lines."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._finished: set[str] = set()
        self._starts: dict[str, tuple[int, float]] = {}
        """Label -> its first number of finished items, and when it was reported."""
        self._last_line_s = time.monotonic()

    def update(self, label: str, done: int, total: int) -> None:
        if label in self._finished:
            return
        now_s = time.monotonic()
        first_done, first_s = self._starts.setdefault(label, (done, now_s))
        if done == total:
            self._finished.add(label)
            self._console.print(f"{total} {label}")
        elif now_s - self._last_line_s >= _PLAIN_LINE_S and done > first_done:
            self._last_line_s = now_s
            left_s = (total - done) * (now_s - first_s) / (done - first_done)
            self._console.print(f"{done} of {total} {label}, {seconds_text(left_s)} left", soft_wrap=True, markup=False)


class TrialMonitor:
    """The states of a run's trials. It is a RunListener, called from any thread."""

    def __init__(self, console: Console, jobs: Sequence[Job], name: str) -> None:
        self.console = console
        self.jobs = {job.id: job for job in jobs}
        self.name = name
        self.start_s = time.monotonic()
        self.running: dict[str, Job] = {}
        self.ended: dict[str, Job] = {}
        """Jobs that are done or have failed, the newest last."""
        self.num_done = 0
        self.lock = threading.Lock()

    def on_start(self, ids: Sequence[str]) -> None:
        with self.lock:
            for job_id in ids:
                self.running[job_id] = self.jobs[job_id]
                self.ended.pop(job_id, None)

    def on_end(self, ids: Sequence[str]) -> None:
        with self.lock:
            for job_id in ids:
                job = self.jobs[job_id]
                self.running.pop(job_id, None)
                if job.done:
                    self.ended[job_id] = job
                    self.num_done += 1
                elif (job.folder / FAILED_FILE).is_file():
                    self.ended[job_id] = job

    def on_message(self, text: str) -> None:
        self.console.print(text, soft_wrap=True, markup=False)

    def title(self) -> str:
        """Return a line with the sweep's name, time and numbers of trials."""
        elapsed = seconds_text(time.monotonic() - self.start_s)
        return f"{self.name} {elapsed}: {self.num_done} of {len(self.jobs)} trials done, {len(self.running)} running"

    def latest(self, most: int) -> list[tuple[Job, dict[str, Any]]]:
        """Return at most this many jobs, each with its progress file.

        Running jobs come first, then those that ended last. Jobs without progress are left out.
        """
        with self.lock:
            jobs = [*self.running.values(), *reversed(self.ended.values())][:most]
        return [(job, progress) for job in jobs if (progress := _read_progress(job))]


@contextmanager
def monitor_trials(console: Console, jobs: Sequence[Job], name: str) -> Iterator[TrialMonitor]:
    """Show the progress of these jobs from a thread while the block runs."""
    monitor, ended = TrialMonitor(console, jobs, name), threading.Event()
    show = _show_live_table if console.is_terminal else _print_plain_lines
    thread = threading.Thread(target=show, args=(monitor, ended), daemon=True)
    thread.start()
    try:
        yield monitor
    finally:
        ended.set()
        thread.join()


def _show_live_table(monitor: TrialMonitor, ended: threading.Event) -> None:
    with Live(console=monitor.console, refresh_per_second=2) as live:
        while True:
            is_last = ended.wait(_REFRESH_S)
            live.update(Group(*_title_and_table(monitor)))
            if is_last:
                return


def _print_plain_lines(monitor: TrialMonitor, ended: threading.Event) -> None:
    while not ended.wait(_PLAIN_LINE_S):
        running = [
            f"{job.label}: {progress['step']}/{progress['steps']} {progress['grouping']}"
            for job, progress in monitor.latest(_MAX_PLAIN_TRIALS)
            if job.id in monitor.running
        ]
        monitor.console.print("; ".join([monitor.title(), *running]), soft_wrap=True, markup=False)


def _title_and_table(monitor: TrialMonitor) -> Iterator[Table | Text]:
    yield Text(monitor.title(), "bold")
    right = ("step", "words/s", "left", "recognition", "grouping loss", "task", "decided")
    rows = table("trial", *right, "grouping now", right=right)
    for job, progress in monitor.latest(max(monitor.console.height - 4, 3)):
        is_running = job.id in monitor.running
        rows.add_row(*_table_cells(job, progress, is_running), style="" if is_running else "dim")
    yield rows


def _table_cells(job: Job, progress: dict[str, Any], is_running: bool) -> list[str]:
    is_complete = progress["step"] == progress["steps"]
    left = seconds_text(progress["left_s"]) if is_running else "done" if is_complete else "failed"
    losses = [f"{progress['losses'][name]:.3f}" for name in ("integrated", "grouping", "task") if name in progress["losses"]]
    speed, decided = f"{progress['words_per_s']:.0f}", f"{progress['decisiveness']:.2f}"
    return [job.label, f"{progress['step']}/{progress['steps']}", speed, left, *losses, decided, progress["grouping"]]


def _read_progress(job: Job) -> dict[str, Any]:
    """Return the progress file of a trial. It is empty if missing or older than this driver."""
    try:
        progress = dict(json.loads((job.folder / PROGRESS_FILE).read_text(encoding="utf-8")))
        return progress if progress["at"] >= _START_S else {}
    except (OSError, json.JSONDecodeError, KeyError):
        return {}
