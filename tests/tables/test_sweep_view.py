import math

import numpy as np
import pytest
from synthetic_storage import start_trial, trials, write_storage, write_sweep

from raygroup.errors import HistoryError
from raygroup.figures.sweep_timeline import sweep_figure
from raygroup.history.reader import History, read_history
from raygroup.storage.sweeps import read_sweeps
from raygroup.tables.sweep_view import TrialView, sweep_table, sweep_view


def clocked(*clock_s: float, step_s: float = 1.0) -> TrialView:
    """Return a trial whose rows have these times, and whose speed is that of such steps of 48 words."""
    clock = np.array(clock_s)
    flat = np.arange(len(clock), dtype=np.float32)
    step = np.arange(1, len(clock) + 1, dtype=np.int32)
    speed = np.full(len(clock), 48 / step_s, np.float32)
    metadata = {"config": {"training": {"batch": 48}}}
    history = History(("la",), 1, step, flat.reshape(-1, 1, 1), flat.reshape(-1, 1), flat, flat, flat, speed, clock, metadata)
    return TrialView("one", "done", {}, history)


def test_a_trial_that_was_interrupted_ran_in_two_stretches():
    assert clocked(0, 1, 2, 60, 61).spans == [(0, 2), (60, 61)]


def test_slow_steps_recorded_in_batches_are_no_interruptions():
    assert clocked(0, 0, 50, 50, 100, 100, step_s=25).spans == [(0, 100)]


def test_rows_of_one_record_microseconds_apart_are_no_usual_gaps():
    """Records of ten steps of two seconds: their rows are written at nearly one time, twenty seconds apart."""
    clock = [20 * record + 1e-5 * row for record in range(5) for row in range(10)]
    assert clocked(*clock, step_s=2).spans == [(clock[0], clock[-1])]
    interrupted = [*clock[:20], *(time + 30 for time in clock[20:])]
    assert clocked(*interrupted, step_s=2).spans == [(clock[0], clock[19]), (clock[20] + 30, clock[-1] + 30)]


def test_a_clock_set_back_starts_a_new_stretch():
    assert clocked(100, 101, 20, 21).spans == [(100, 101), (20, 21)]


def test_a_trial_without_steps_has_no_stretch_and_no_speed(tmp_path):
    declared = trials((0.1,), control=False)
    folder = write_sweep(tmp_path, "half", declared, done=False)
    (sweep,) = read_sweeps(tmp_path)
    start_trial(folder / sweep.trials[0].id, "half", *declared[0])
    started, waiting = sweep_view(sweep)
    assert (started.state, waiting.state) == ("unfinished", "not started")
    assert started.spans == []
    assert math.isnan(waiting.words_per_s)
    assert sweep_table([started, waiting]).row_count == 2
    assert len(sweep_figure([started, waiting]).axes) == 2


def test_a_finished_trial_without_its_history_is_an_error_not_a_gap(tmp_path):
    sweep = read_sweeps(write_storage(tmp_path))[0]
    (sweep.trials[0].folder / "history.parquet").unlink()
    with pytest.raises(HistoryError, match=sweep.trials[0].id):
        sweep_view(sweep)


def test_speed_is_the_median_over_steps(tmp_path):
    view = sweep_view(read_sweeps(write_storage(tmp_path))[0])[0]
    assert view.words_per_s == np.median(read_history(read_sweeps(tmp_path)[0].trials[0].folder).words_per_s) == 643
