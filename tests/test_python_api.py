"""The public names of raygroup: they load on first use, and results come back as records and Arrow tables."""

import json
import subprocess
import sys

import numpy as np
import pytest
import synthetic_storage

import raygroup


@pytest.fixture(scope="module")
def storage(tmp_path_factory):
    return synthetic_storage.write_storage(tmp_path_factory.mktemp("api") / "runs")


@pytest.fixture(scope="module")
def small(storage):
    return raygroup.read_sweep("small", str(storage))


def test_every_public_name_is_there():
    assert sorted(raygroup.__all__) == raygroup.__all__
    for name in raygroup.__all__:
        assert getattr(raygroup, name) is not None
    assert set(raygroup.__all__) <= set(dir(raygroup))


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="no attribute 'run_sweeps'"):
        _ = raygroup.run_sweeps


def test_settings_and_results_load_neither_torch_nor_ray():
    code = (
        "import sys, raygroup; raygroup.Sweep(name='mine', trial=raygroup.Trial(heads=raygroup.Heads(count=2))); raygroup.read_sweeps; "
        "raygroup.run_sweep; assert not {'torch', 'ray'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)


def test_sweeps_come_oldest_first(storage):
    assert [sweep.name for sweep in raygroup.read_sweeps(storage)] == ["small", "small_control"]


def test_an_unknown_sweep_is_named_beside_those_that_exist(storage):
    with pytest.raises(raygroup.ConfigError, match="no sweep 'large'.*there are: small, small_control"):
        raygroup.read_sweep("large", storage)


def test_a_result_lists_its_trials_and_their_final_groupings(small):
    assert [trial.label for trial in small.trials][0] == "base_coefficient=0.0 seed=0"
    assert small.all_done
    assert small.failed == {}
    assert str(small.groupings["base_coefficient=0.0 seed=0"]) == "ar+ko | bn | zh | hi+ja | la"


def test_the_table_has_a_row_for_each_trial_with_what_varies(small):
    table = small.table()
    assert table.column_names[:3] == ["trial", "grouping.base_coefficient", "seed"]
    assert table["grouping.base_coefficient"].to_pylist() == [0.0, 0.0, 0.2, 0.2]
    assert table["seed"].to_pylist() == [0, 1, 0, 1]


def test_mean_accuracy_is_the_mean_over_tasks(small):
    """Six tasks read one of two words. Hindi's words go to the wrong head, so none of them is read."""
    assert small.table()["unseen_accuracy"][0].as_py() == pytest.approx(6 * 0.5 / 7)
    assert small.table()["worst_one_minus_ned"][0].as_py() == 0


def test_task_scores_have_a_row_for_each_trial_split_and_task(small):
    scores = small.task_scores()
    assert scores.num_rows == 4 * 2 * 7
    hindi = [row for row in scores.to_pylist() if row["task"] == "hi"]
    assert {row["accuracy"] for row in hindi} == {0.0}
    by_true_task = [row for row in small.task_scores("true task").to_pylist() if row["task"] == "hi"]
    assert {row["accuracy"] for row in by_true_task} == {0.5}


def test_a_result_as_json_holds_its_tables_and_failures(small):
    values = json.loads(json.dumps(small.to_json()))
    assert (values["name"], len(values["trials"]), len(values["tasks"]), values["failed"]) == ("small", 4, 4 * 2 * 7, {})


def test_the_history_table_has_a_row_for_each_trial_step_task_and_head(small):
    table = raygroup.history_table(small)
    assert table.num_rows == 4 * synthetic_storage.STEPS * 7 * synthetic_storage.HEADS
    names = ["trial", "grouping.base_coefficient", "seed", "step", "task", "head", "r", "p", "assigned"]
    assert table.column_names == names


def test_p_sums_to_one_and_one_head_is_assigned_for_each_task_and_step(small):
    table = small.history(every=20)
    p = np.array(table["p"].to_pylist()).reshape(-1, synthetic_storage.HEADS)
    assigned = np.array(table["assigned"].to_pylist()).reshape(-1, synthetic_storage.HEADS)
    assert p.sum(axis=1) == pytest.approx(1, abs=1e-6)
    assert (assigned.sum(axis=1) == 1).all()
    assert (p.argmax(axis=1) == assigned.argmax(axis=1)).all()


def test_every_keeps_the_first_and_the_last_step(small):
    steps = small.history(every=25)["step"].unique().to_pylist()
    assert steps == [1, 26, 51, synthetic_storage.STEPS]
    with pytest.raises(ValueError, match="every is 0"):
        small.history(every=0)


def test_a_trial_is_read_from_its_folder_as_a_string(small):
    history = raygroup.read_history(str(small.trials[0].folder))
    assert history.r_tm.shape == (synthetic_storage.STEPS, 7, synthetic_storage.HEADS)


def test_a_trial_without_a_history_is_left_out_of_the_table(tmp_path):
    declared = synthetic_storage.trials((0.0,), control=False)
    folder = synthetic_storage.write_sweep(tmp_path, "unborn", declared, done=False)
    synthetic_storage.write_trial(folder / raygroup.read_sweep("unborn", tmp_path).trials[0].id, "unborn", *declared[0], "2026-01-02")
    result = raygroup.read_sweep("unborn", tmp_path)
    assert not result.all_done
    assert set(result.history()["trial"].to_pylist()) == {declared[0][0]}


def test_a_sweep_without_any_history_gives_an_empty_table(tmp_path):
    synthetic_storage.write_sweep(tmp_path, "unborn", synthetic_storage.trials((0.0,), control=False), done=False)
    assert raygroup.history_table(raygroup.read_sweep("unborn", tmp_path)).num_rows == 0
