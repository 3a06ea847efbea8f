"""Show progress while words are prepared and trials train.

A terminal gets live bars and a live table. Other output gets a plain line now and then. Neither is
ever silent for long.
"""

import threading
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from typing import Any

from rich.console import Console, Group
from rich.live import Live
from rich.progress import BarColumn, Progress, SpinnerColumn, TaskID, TextColumn, TimeElapsedColumn

from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.trial_monitor import RUNNING, STARTING, TrialMonitor
from raygroup.runtime.trial_view import live_view
from raygroup.terminal import print_line, seconds_text
from raygroup.words.importing.listed_rows import MANY_ROWS

_REFRESH_S = 0.5
_PLAIN_LINE_S = 4.0
"""Shortest time between two plain lines."""
_LONGEST_PLAIN_LINE_S = 60.0
_PLAIN_LINES = 75
"""Plain lines in any stretch that is as long as the run so far, once lines are longer than ``_PLAIN_LINE_S`` apart."""
_MAX_PLAIN_TRIALS = 4
_BAR_WIDTH = 30

ShowProgress = Callable[[str, int, int], None]
"""Called with a label, the number of finished items, and the number of all items."""


@contextmanager
def progress_bars(console: Console, work: str = "at work") -> Iterator[ShowProgress]:
    """Show a bar for each kind of work, and the time since the start.

    Yields the function that updates a bar. Without a terminal it prints one line when a kind of
    work is finished, and one every few seconds. ``work`` is shown while no bar moves.
    """
    with _bars(console, work) if console.is_terminal else _plain_progress(console, work) as show_progress:
        yield show_progress


@contextmanager
def monitor_trials(console: Console, jobs: Sequence[Job], name: str) -> Iterator[TrialMonitor]:
    """Show the progress of these jobs from a thread while the block runs."""
    monitor, ended = TrialMonitor(console, jobs, name), threading.Event()
    show = _show_live_table if console.is_terminal else _print_plain_lines
    with _thread(lambda: show(monitor, ended), ended):
        yield monitor


@contextmanager
def _bars(console: Console, work: str) -> Iterator[ShowProgress]:
    counts = TextColumn("{task.fields[counts]}")
    columns = (SpinnerColumn(), TextColumn("{task.description}"), BarColumn(_BAR_WIDTH), counts, TimeElapsedColumn())
    with Progress(*columns, console=console) as bars:
        clock = bars.add_task(work, total=None, counts="")
        task_ids: dict[str, TaskID] = {}

        def update_bar(label: str, done: int, total: int) -> None:
            if label not in task_ids:
                task_ids[label] = bars.add_task(label, total=total, counts="")
            bars.update(task_ids[label], completed=done, counts=f"{done}/{total}")

        try:
            yield update_bar
        finally:
            bars.remove_task(clock)


@contextmanager
def _plain_progress(console: Console, work: str) -> Iterator[ShowProgress]:
    finished: set[str] = set()
    starts: dict[str, tuple[int, float]] = {}
    current = ""
    start_s, ended = time.monotonic(), threading.Event()

    def note_progress(label: str, done: int, total: int) -> None:
        nonlocal current
        start = starts.setdefault(label, (done, time.monotonic()))
        current = "" if done == total else f": {done} of {total} {label}{_left_text(*start, done, total)}"
        if done == 0 and total >= MANY_ROWS:
            print_line(console, f"0 of {total} {label}")
        if label not in finished and done == total:
            finished.add(label)
            print_line(console, f"{total} {label}")

    def print_lines() -> None:
        while not ended.wait(_pause_s(time.monotonic() - start_s)):
            print_line(console, f"{work} for {seconds_text(time.monotonic() - start_s)}{current}")

    with _thread(print_lines, ended):
        yield note_progress


def _left_text(first_done: int, first_s: float, done: int, total: int) -> str:
    """Return the time left. A run that continues counts its own items alone."""
    if done <= first_done:
        return ""
    return f", {seconds_text((total - done) * (time.monotonic() - first_s) / (done - first_done))} left"


@contextmanager
def _thread(work: Callable[[], None], ended: threading.Event) -> Iterator[None]:
    """Run the work in a thread during the block. The event asks it to end."""
    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _pause_s(elapsed_s: float) -> float:
    """Return the time until the next plain line. A log of a day must not have a line for every few seconds."""
    return min(max(_PLAIN_LINE_S, elapsed_s / _PLAIN_LINES), _LONGEST_PLAIN_LINE_S)


def _show_live_table(monitor: TrialMonitor, ended: threading.Event) -> None:
    with Live(Group(*live_view(monitor)), console=monitor.console, refresh_per_second=2) as live:
        while True:
            is_last = ended.wait(_REFRESH_S)
            live.update(Group(*live_view(monitor)))
            if is_last:
                return


def _print_plain_lines(monitor: TrialMonitor, ended: threading.Event) -> None:
    next_line_s = 0.0
    while not ended.wait(_REFRESH_S):
        if monitor.changed.is_set() or time.monotonic() >= next_line_s:
            monitor.changed.clear()
            next_line_s = time.monotonic() + _pause_s(time.monotonic() - monitor.start_s)
            print_line(monitor.console, _plain_line(monitor))


def _plain_line(monitor: TrialMonitor) -> str:
    trials = [trial for trial in monitor.trials(_MAX_PLAIN_TRIALS) if trial.state in (RUNNING, STARTING)]
    texts = [f"{trial.step}/{trial.facts['steps']} {_state_text(trial.facts)}" if trial.facts else STARTING for trial in trials]
    return "; ".join([monitor.title(), *(f"{trial.job.label}: {text}" for trial, text in zip(trials, texts, strict=True))])


def _state_text(facts: Mapping[str, Any]) -> str:
    """Return the grouping of a trial, or the losses of one without."""
    return str(facts["grouping"]) if "grouping" in facts else " ".join(f"{name} {value:.3f}" for name, value in facts["losses"].items())
