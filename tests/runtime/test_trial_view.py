"""What a user sees while a sweep runs, on terminals of several widths and in a log."""

import io
import json
import re
import time

import pytest
from rich.console import Console, Group

from raygroup.config import Heads, Training, Trial, Words
from raygroup.runtime import progress
from raygroup.runtime.planning.jobs import SceneJob
from raygroup.runtime.planning.plan import make_plan
from raygroup.runtime.trial_monitor import TrialMonitor
from raygroup.runtime.trial_view import live_view, short_labels
from raygroup.search_space import Sweep
from raygroup.spotter_config import Detector

GROUPING = "ar+zh | bn+hi | ja | ko | la"
STATES = ("running", "starting", "waiting", "done", "failed")
HEADINGS = {"trial", "state", "step", "left", "words/s", "recognition", "grouping loss", "task", "decided", "grouping now"}


@pytest.fixture(scope="module")
def declared():
    words = Words(tasks=("la",), characters=(20,), words_per_task=12, unseen_per_task=3, renders=2)
    trial = Trial(words=words, heads=Heads(count=2), training=Training(steps=600))
    return Sweep(name="quickstart", trial=trial, grid={"grouping.base_coefficient": (0.0, 0.1, 0.2, 0.3, 0.4)})


@pytest.fixture
def jobs(declared, tmp_path):
    return make_plan(declared, "", tmp_path, None, None).jobs


def write(job, name, **facts):
    job.folder.mkdir(parents=True, exist_ok=True)
    (job.folder / name).write_text(json.dumps({"layout": 1, **facts}))


def write_progress(job, step):
    losses = {"integrated": 1.234, "grouping": 0.5, "task": 0.25}
    facts = {"step": step, "steps": 600, "words_per_s": 512.3, "left_s": 83.2, "losses": losses, "decisiveness": 0.45}
    write(job, "progress.json", **facts, at=time.time(), grouping=GROUPING)


def screen(width, *, colour=False):
    return Console(width=width, height=24, force_terminal=True, color_system="standard" if colour else None, file=io.StringIO())


def followed(console, jobs):
    """A run with one trial in each state."""
    monitor = TrialMonitor(console, jobs, "quickstart")
    write_progress(jobs[1], 400)  # of an earlier run
    monitor.on_start([job.id for job in jobs[:4]])
    write_progress(jobs[0], 120)
    write_progress(jobs[2], 600)
    write(jobs[2], "DONE.json")
    write(jobs[3], "FAILED.json", reason="loss is nan", step=7)
    monitor.on_end([jobs[2].id, jobs[3].id])
    return monitor


def lines(console, monitor):
    console.print(Group(*live_view(monitor)))
    return console.file.getvalue().splitlines()


@pytest.mark.parametrize("width", [120, 80, 50])
def test_detectors_show_their_losses_on_a_terminal_of_any_width(tmp_path, width):
    jobs = [SceneJob(f"s-{seed}", f"seed={seed}", Detector(seed=seed), tmp_path / f"s-{seed}", "", tmp_path / "t.arrow") for seed in (0, 1)]
    console = screen(width)
    monitor = TrialMonitor(console, jobs, "spotter")
    monitor.on_start([job.id for job in jobs])
    losses = {"dice": 0.91, "cross_entropy": 0.55}
    write(jobs[0], "progress.json", step=50, steps=1800, samples_per_s=4.1, left_s=900.0, losses=losses, at=time.time())
    title, header, first, second = lines(console, monitor)
    assert all(len(line) <= width for line in (title, header, first, second))
    assert "words/s" not in header
    assert re.split(r"  +", first.strip())[:3] == ["seed=0", "running", "50/1800"]
    if width == 120:
        assert "0.910" in first
        assert "0.550" in first


@pytest.mark.parametrize("width", [120, 80, 50])
def test_no_line_is_wider_than_the_terminal_and_no_word_is_broken(jobs, width):
    console = screen(width)
    title, header, *rows = lines(console, followed(console, jobs))
    assert all(len(line) <= width for line in (title, header, *rows))
    assert set(re.split(r"  +", header.strip())) <= HEADINGS
    assert len(rows) == 5  # a broken cell would add a line
    assert [next(state for state in STATES if f" {state} " in row) for row in rows] == ["running", "starting", "done", "failed", "waiting"]
    names = [row.split()[0] for row in rows]
    assert names == [f"base_coefficient={value}" for value in (0.0, 0.1, 0.2, 0.3, 0.4)] or width == 50


def test_a_narrow_terminal_keeps_the_grouping_and_drops_losses_first(jobs):
    wide, narrow = screen(120), screen(80)
    wide_lines, narrow_lines = (lines(console, followed(console, jobs)) for console in (wide, narrow))
    assert "recognition" in wide_lines[1]
    assert "recognition" not in narrow_lines[1]
    assert all(GROUPING in rows[2] and "1:23" in rows[2] for rows in (wide_lines, narrow_lines))


def test_a_trial_is_starting_until_this_run_has_recorded_a_step_of_it(jobs):
    console = screen(120)
    monitor = followed(console, jobs)
    assert "1 of 5 trials done, 1 failed, 1 running, 1 starting, 1 waiting" in monitor.title()
    write_progress(jobs[1], 410)
    assert "1 of 5 trials done, 1 failed, 2 running, 1 waiting" in monitor.title()


def test_each_state_has_its_colour(jobs):
    console = screen(80, colour=True)
    text = "\n".join(lines(console, followed(console, jobs)))
    colours = {re.search(rf"\x1b\[([\d;]+)m{state}", text)[1] for state in STATES}
    assert len(colours) == len(STATES)


def test_the_time_left_counts_the_steps_of_all_trials(jobs, monkeypatch):
    now = 100.0
    monkeypatch.setattr("raygroup.runtime.trial_monitor.time.monotonic", lambda: now)
    monitor = TrialMonitor(screen(120), jobs[:2], "quickstart")
    monitor.on_start([job.id for job in jobs[:2]])
    write_progress(jobs[0], 100)
    assert "left" not in monitor.title()
    now = 150.0
    write_progress(jobs[0], 200)
    write_progress(jobs[1], 100)
    assert "about 3:45 left" in monitor.title()  # 200 of 1,100 steps took 50 s


def test_labels_leave_out_what_all_trials_share():
    assert short_labels(["a=1 seed=0", "a=2 seed=0"]) == ["a=1", "a=2"]
    assert short_labels(["seed=0"]) == ["seed=0"]
    assert short_labels(["x=1", "x=1"]) == ["x=1", "x=1"]


def wait_for(text, stream):
    while text not in stream.getvalue():
        time.sleep(0.01)


def test_a_log_gets_a_line_at_once_and_one_for_every_change(jobs, monkeypatch):
    monkeypatch.setattr(progress, "_REFRESH_S", 0.01)
    stream = io.StringIO()
    with progress.monitor_trials(Console(file=stream, width=180), jobs[:1], "quickstart") as monitor:
        wait_for("0 of 1 trials done, 1 waiting", stream)
        monitor.on_start([jobs[0].id])
        wait_for("1 starting; base_coefficient=0.0 seed=0: starting", stream)


def test_work_that_reports_nothing_is_not_silent_in_a_log(monkeypatch):
    monkeypatch.setattr(progress, "_PLAIN_LINE_S", 0.01)
    stream = io.StringIO()
    with progress.progress_bars(Console(file=stream, width=180), "preparing") as show:
        wait_for("preparing for 0:00", stream)
        show("words rendered", 3, 10)
        wait_for("3 of 10 words rendered", stream)
        show("words rendered", 10, 10)
    assert "\n10 words rendered\n" in stream.getvalue()


def test_a_log_of_a_day_has_a_line_a_minute():
    assert progress._pause_s(10) == 4
    assert progress._pause_s(86_400) == 60
