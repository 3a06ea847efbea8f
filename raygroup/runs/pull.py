"""``runs pull``: copy sweeps to this machine, and show the progress."""

import argparse
import contextlib
import time
from collections.abc import Callable, Iterator

from rich.console import Console

from raygroup.runs.arguments import pull_source
from raygroup.terminal import print_line, size_text

_PLAIN_LINE_S = 15.0
"""Seconds between two lines of progress without a terminal."""


def pull_sweeps(options: argparse.Namespace, out: Console) -> None:
    """Copy sweeps, and print how many files were copied."""
    from raygroup.runs.find import warn_of_damage
    from raygroup.storage.pull import pull
    from raygroup.storage.sweeps import read_sweeps

    source = pull_source(options)
    with _progress(out) as on_progress:
        result = pull(
            source, options.target, sweep=options.sweep, checkpoints=options.checkpoints, include_caches=options.caches,
            on_progress=on_progress,
        )  # fmt: skip
    counts = f"{result.num_copied} files copied ({size_text(result.copied_bytes)}), {result.num_present} were there already"
    print_line(out, f"{options.target}: {counts}")
    warn_of_damage(sweep for sweep in read_sweeps(options.target) if options.sweep in (None, sweep.name))


@contextlib.contextmanager
def _progress(out: Console) -> Iterator[Callable[[int, int], None]]:
    """Give a function that shows (bytes copied, bytes to copy).

    On a terminal it moves a bar. Elsewhere it prints a line every few seconds.
    """
    from rich.progress import BarColumn, DownloadColumn, Progress, TimeRemainingColumn, TransferSpeedColumn

    if out.is_terminal:
        with Progress(BarColumn(), DownloadColumn(), TransferSpeedColumn(), TimeRemainingColumn(), console=out, transient=True) as progress:
            bar = progress.add_task("", total=None)
            yield lambda copied, total: progress.update(bar, completed=copied, total=total)
        return
    last_line_at = time.monotonic()

    def report_progress(copied: int, total: int) -> None:
        nonlocal last_line_at
        if time.monotonic() - last_line_at >= _PLAIN_LINE_S:
            last_line_at = time.monotonic()
            print_line(out, f"{size_text(copied)} of {size_text(total)} copied")

    yield report_progress
