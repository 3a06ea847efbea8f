"""The states of trials and sweeps, as read from a storage path."""

import json
import shutil

import pytest
from synthetic_storage import fail_trial, start_trial, trials, write_storage, write_sweep

from raygroup.errors import ConfigError
from raygroup.files.places import size_of
from raygroup.history.reader import read_history
from raygroup.storage.sweeps import TrialState, cache_folders, read_sweeps


def test_the_files_of_a_trial_decide_its_state(tmp_path):
    declared = trials((0.0, 0.2), control=False)
    write_sweep(tmp_path, "half", declared, done=False)
    (sweep,) = read_sweeps(tmp_path)
    for trial, (label, config) in zip(sweep.trials[:3], declared, strict=False):
        start_trial(trial.folder, "half", label, config)
    fail_trial(sweep.trials[0].folder, "loss is nan", 12)
    (sweep.trials[1].folder / "DONE.json").write_text('{"layout": 1, "steps": 60, "finished_at": "2026-01-01"}')
    assert [trial.state for trial in sweep.trials] == [TrialState.FAILED, TrialState.DONE, TrialState.UNFINISHED, TrialState.NOT_STARTED]
    assert sweep.trials[0].outcome()["reason"] == "loss is nan"
    assert not sweep.finished


def test_a_sweep_is_finished_when_nothing_is_left_to_train(tmp_path):
    (small, control) = read_sweeps(write_storage(tmp_path))
    assert small.finished
    assert control.finished
    assert [trial.config().grouping.base_coefficient for trial in small.trials] == [0, 0, 0.2, 0.2]
    (small.trials[0].folder / "DONE.json").rename(small.trials[0].folder / "FAILED.json")
    assert small.finished
    (small.trials[0].folder / "FAILED.json").unlink()
    assert not small.finished


def test_sweeps_are_listed_in_the_order_in_which_they_finished(tmp_path):
    assert [sweep.name for sweep in read_sweeps(write_storage(tmp_path))] == ["small", "small_control"]


def test_a_trial_that_the_sweep_no_longer_declares_is_still_listed(tmp_path):
    write_storage(tmp_path)
    path = tmp_path / "small" / "sweep.json"
    stored = json.loads(path.read_text())
    path.write_text(json.dumps({**stored, "trials": stored["trials"][1:]}))
    sweep = read_sweeps(tmp_path)[0]
    assert [trial.declared for trial in sweep.trials] == [True, True, True, False]
    assert len(sweep.in_state(TrialState.DONE)) == 3


def test_the_size_of_a_cache_is_that_of_its_files(tmp_path):
    write_storage(tmp_path)
    (cache,) = cache_folders(tmp_path)
    assert size_of(cache) == size_of(cache / "features.arrow") == 2000


def test_the_synthetic_histories_are_complete(tmp_path):
    sweep = read_sweeps(write_storage(tmp_path))[0]
    assert read_history(sweep.trials[0].folder).r_tm.shape == (60, 7, 5)


def test_another_layout_is_refused_with_a_remedy(tmp_path):
    path = write_storage(tmp_path) / "small" / "sweep.json"
    path.write_text(path.read_text().replace('"layout": 1', '"layout": 2'))
    with pytest.raises(ConfigError, match=r"sweep\.json: layout 2, this raygroup reads 1: .*--storage-path"):
        read_sweeps(tmp_path)


def test_a_missing_storage_path_is_named(tmp_path):
    shutil.rmtree(tmp_path)
    with pytest.raises(ConfigError, match=f"no storage path {tmp_path}"):
        read_sweeps(tmp_path)


@pytest.mark.parametrize("content", ["", '{"layout": 1, "na', "[1]", '{"layout": 1, "name": "small"}'])
def test_a_sweep_whose_file_is_damaged_has_the_trials_of_its_folder_and_a_line(tmp_path, content):
    (write_storage(tmp_path, seeds=(0,)) / "small" / "sweep.json").write_text(content)
    damaged, control = read_sweeps(tmp_path)
    assert (damaged.name, damaged.finished, [str(trial.state) for trial in damaged.trials]) == ("small", False, ["done", "done"])
    (line,) = damaged.damage
    assert line.startswith(f"{tmp_path}/small/sweep.json: ")
    assert line.endswith("the sweep's command writes it anew")
    assert (control.damage, control.finished) == ((), True)
