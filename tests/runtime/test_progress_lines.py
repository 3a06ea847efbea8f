"""Without a terminal, progress is plain lines with the time left."""

import io
import re
import time

from rich.console import Console

from raygroup.runtime import progress
from raygroup.runtime.progress import progress_bars


def lines_of(calls):
    out = io.StringIO()
    with progress_bars(Console(file=out, width=100)) as show:
        for call in calls:
            show(*call)
    return out.getvalue().splitlines()


def test_work_that_ends_soon_prints_one_line():
    assert lines_of([("steps", 1, 3), ("steps", 2, 3), ("steps", 3, 3), ("steps", 3, 3)]) == ["3 steps"]


def test_longer_work_says_how_far_it_is_and_what_time_is_left(monkeypatch):
    monkeypatch.setattr(progress, "_PLAIN_LINE_S", 0.01)
    out = io.StringIO()
    with progress_bars(Console(file=out, width=100), "training") as show:
        show("steps", 500, 1000)
        show("steps", 600, 1000)
        while "600 of" not in out.getvalue():
            time.sleep(0.01)
        show("steps", 1000, 1000)
    first, *_, last = out.getvalue().splitlines()
    assert re.fullmatch(r"training for 0:00: 600 of 1000 steps, 0:00 left", first), "a run that continues counts its own steps alone"
    assert last == "1000 steps"
