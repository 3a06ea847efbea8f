"""The history of a trial on scenes: a row for each step, with the losses by their names."""

import numpy as np
import pytest

from raygroup.errors import ConfigError
from raygroup.history.assignments import assignment
from raygroup.history.reader import read_history
from raygroup.history.schema import spotter_history_schema
from raygroup.history.spotter_history import read_spotter_history
from raygroup.history.writer import HistoryWriter, RowWriter, remove_attempts, seal
from raygroup.tables.spotter.spotter_trial import last_losses

LOSSES = ("dice", "box", "language")


def write(folder, steps, attempt=1):
    with RowWriter(folder, attempt, spotter_history_schema(LOSSES, {"label": "seed=0"}), flush_every=4) as writer:
        for step in steps:
            writer.append_row(step, step / 2, step / 4, 1.0, 12.5, 1.8e9 + step)


def test_the_names_of_the_losses_are_those_of_the_trainer(tmp_path):
    write(tmp_path, range(1, 11))
    history = read_spotter_history(tmp_path)
    assert history.step.tolist() == [*range(1, 11)]
    assert list(history.losses) == list(LOSSES)
    assert history.losses["box"].tolist() == [step / 4 for step in range(1, 11)]
    assert history.samples_per_s.tolist() == [12.5] * 10
    assert history.clock_s[-1] == 1.8e9 + 10
    assert history.metadata["label"] == "seed=0"


def test_a_later_attempt_replaces_the_steps_that_it_repeats_and_a_sealed_history_reads_alike(tmp_path):
    write(tmp_path, range(1, 8))
    write(tmp_path, range(5, 9), attempt=2)
    before = read_spotter_history(tmp_path)
    assert before.step.tolist() == [*range(1, 9)]
    seal(tmp_path, 8)
    remove_attempts(tmp_path)
    assert np.array_equal(read_spotter_history(tmp_path).losses["dice"], before.losses["dice"])


def test_a_history_of_the_other_kind_says_which_function_reads_it(tmp_path):
    write(tmp_path / "scenes", [1])
    with HistoryWriter(tmp_path / "words", 1, ("la",), 1, {}) as writer:
        writer.append(1, [[0.0]], [1.0], 1.0, 0.0, 0.0, 1.0, 1.8e9)
    with pytest.raises(ConfigError, match="read_spotter_history reads it"):
        read_history(tmp_path / "scenes")
    with pytest.raises(ConfigError, match="read_history reads it"):
        read_spotter_history(tmp_path / "words")


def test_a_whole_spotter_has_the_assignment_after_every_step_and_a_detector_has_none(tmp_path):
    schema = spotter_history_schema(LOSSES, {"label": "seed=0"}, ("la", "ar"), 3)
    with RowWriter(tmp_path / "whole", 1, schema, flush_every=4) as writer:
        for step in range(1, 6):
            writer.append_row(step, [[step, 0, 0], [0, 0, step]], 0.5, 0.25, 1.0, 12.5, 1.8e9 + step)
    seal(tmp_path / "whole", 5)
    whole = read_spotter_history(tmp_path / "whole")
    assert (whole.tasks, whole.heads) == (("la", "ar"), 3)
    assert whole.r_tm.tolist() == [[[step, 0, 0], [0, 0, step]] for step in range(1, 6)]
    assert assignment(whole.r_tm).tolist() == [[0, 2]] * 5
    assert whole.losses["box"].tolist() == [0.25] * 5
    with pytest.raises(ConfigError, match="read_spotter_history reads it"):
        read_history(tmp_path / "whole")
    write(tmp_path / "detector", [1])
    detector = read_spotter_history(tmp_path / "detector")
    assert (detector.tasks, detector.heads, detector.r_tm) == ((), 0, None)


def test_a_loss_cannot_have_the_name_of_another_column():
    for name in ("step", "r_tm"):
        with pytest.raises(ValueError, match=f"a loss cannot be called {name}"):
            spotter_history_schema((name,), {})


def test_last_losses_are_means_over_fifty_steps(tmp_path):
    write(tmp_path, range(1, 101))
    assert last_losses(read_spotter_history(tmp_path))["dice"] == np.mean([step / 2 for step in range(51, 101)])
