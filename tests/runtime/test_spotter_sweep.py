"""Sweeps on scenes run as sweeps on words do."""

import json
import multiprocessing
import shutil
import threading
import time

import pytest
from pack_sessions import close, folders, open_pack, train_steps
from tiny_spotter import ONE, TRIAL, scenes_in, space

import raygroup
from raygroup import sweep
from raygroup.errors import ConfigError
from raygroup.export.named_trial import named_detector
from raygroup.history.spotter_history import read_spotter_history
from raygroup.pretrain.detector import pretrain_detector
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.planning.jobs import declare_trials
from raygroup.runtime.planning.plan import declare_sweep, make_plan
from raygroup.runtime.preparation.scene_tables import prepare_scenes
from raygroup.search_space import Sweep
from raygroup.storage.checkpoint_index import listed_steps
from raygroup.training.spotter.detector_weights import load_detector


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return scenes_in(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def finished(scenes, tmp_path_factory):
    """The storage path of a finished sweep of two detectors, to read only."""
    folder = tmp_path_factory.mktemp("finished")
    arguments = [space(folder), "--scenes", str(scenes), "--local", "--storage-path", str(folder / "runs")]
    assert sweep.main(arguments) == 0
    return folder / "runs"


def declared(scenes, storage):
    plan = make_plan(ONE, "", storage, None, None, scenes=scenes)
    declare_sweep(plan)
    declare_trials(plan.jobs, storage)
    prepare_scenes(scenes, plan.jobs)
    return plan


def evidence(folder):
    """Return what must not depend on interruptions: losses and weights."""
    history = read_spotter_history(folder)
    weights = load_detector(folder / "detector.safetensors")[0].state_dict()
    return {**{name: values.tobytes() for name, values in history.losses.items()}, **{k: v.numpy().tobytes() for k, v in weights.items()}}


def only_trial(storage):
    (result,) = (trial for trial in raygroup.read_sweep("tiny", storage).trials if trial.label == "seed=0")
    return result


def test_each_trial_ends_with_a_detector_and_a_row_for_every_step(finished):
    result = raygroup.read_sweep("tiny", finished)
    assert result.all_done
    assert result.damaged == ()
    table = result.table()
    assert table["trial"].to_pylist() == ["seed=0", "seed=1"]
    assert table["steps"].to_pylist() == [6, 6]
    assert {"seed", "dice", "cross_entropy", "samples_per_s", "training_s"} <= set(table.column_names)
    assert result.history()["step"].to_pylist() == [*range(1, 7), *range(1, 7)]


def test_a_trial_has_the_weights_that_pretrain_gives(finished, scenes, tmp_path):
    pretrain_detector(TRIAL, tmp_path / "alone.safetensors", scenes=scenes, storage_path=tmp_path / "runs", checkpoint_every=50)
    alone, _ = load_detector(tmp_path / "alone.safetensors")
    of_trial, about = load_detector(only_trial(finished).folder / "detector.safetensors")
    assert about["scenes"] == 4
    weights = of_trial.state_dict()
    assert all(value.equal(weights[name]) for name, value in alone.state_dict().items())


def test_a_finished_sweep_that_is_run_again_writes_nothing_and_shows_its_trials(finished, scenes, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert sweep.main([space(tmp_path), "--scenes", str(scenes), "--storage-path", str(finished)]) == 0
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()} == before
    printed = capsys.readouterr().out
    assert "seed=1" in printed
    assert "cross entropy" in printed
    assert "detector.safetensors" in printed


def test_json_has_the_losses_of_each_trial(finished, scenes, tmp_path, capsys):
    assert sweep.main([space(tmp_path), "--scenes", str(scenes), "--storage-path", str(finished), "--json"]) == 0
    printed = json.loads(capsys.readouterr().out)
    assert [trial["steps"] for trial in printed["trials"]] == [6, 6]
    assert all(trial["dice"] > 0 for trial in printed["trials"])
    assert printed["best"] is None


def test_an_interrupted_trial_goes_on_from_its_checkpoint_with_the_same_bits(finished, scenes, tmp_path):
    plan = declared(scenes, tmp_path / "runs")
    session = open_pack(plan, plan.storage)
    train_steps(session, plan, 5)  # a checkpoint after steps 2 and 4, and one step that is lost
    close(session)
    (folder,) = folders(plan)
    assert list(listed_steps(folder)) == [2, 4]
    assert run_pack([folder], plan.storage) == {}
    done = json.loads((folder / "DONE.json").read_text())
    assert (done["first_step"], done["steps"], done["attempts"]) == (4, 6, 2)
    assert evidence(folder) == evidence(only_trial(finished).folder)


def test_a_damaged_scene_table_is_made_again(scenes, tmp_path, capsys):
    plan = make_plan(ONE, "", tmp_path, None, None, scenes=scenes)
    prepare_scenes(scenes, plan.jobs)
    table = plan.jobs[0].scenes
    whole = table.read_bytes()
    table.write_bytes(whole[: len(whole) // 2])
    prepare_scenes(scenes, plan.jobs)
    assert table.read_bytes() == whole
    assert "scenes.arrow: damaged; written anew" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        ([], "tiny: an input is missing: scenes (pass --scenes PATH"),
        (["--scenes", "SCENES", "--words", "w.parquet"], "--words w.parquet: the search space tiny trains on scenes"),
        (["--scenes", "SCENES", "--weights", "laptop"], "--weights laptop: the search space tiny trains on scenes"),
        (["--scenes", "SCENES", "--kernels", "plain", "--local"], "--kernels plain: it is for trials that group words"),
        (["--scenes", "nowhere"], "nowhere: no"),
    ],
)
def test_a_flag_that_does_not_fit_is_one_line(flags, reason, scenes, tmp_path, capsys):
    flags = [str(scenes) if flag == "SCENES" else flag for flag in flags]
    assert sweep.main([space(tmp_path), "--storage-path", str(tmp_path / "runs"), *flags]) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert reason in line


def test_a_sweep_on_words_takes_no_scenes(scenes, capsys):
    assert sweep.main(["smoke", "--scenes", str(scenes)]) == 2
    assert f"--scenes {scenes}: the search space smoke trains on words" in capsys.readouterr().err


def test_a_detector_is_named_by_its_trial(finished, tmp_path):
    folder = only_trial(finished).folder
    weights = folder / "detector.safetensors"
    assert named_detector(weights, [finished]) == named_detector(folder, [finished]) == named_detector("tiny:seed=0", [finished]) == weights
    with pytest.raises(ConfigError, match="has 2 trials"):
        named_detector("tiny", [finished])
    with pytest.raises(ConfigError, match=r"gone\.safetensors: no such file"):
        named_detector(tmp_path / "gone.safetensors", [finished])


def test_a_trial_that_another_sweep_has_finished_is_not_trained_again(finished, scenes, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    other = Sweep(name="other", trial=TRIAL)
    result = raygroup.run_sweep(other, scenes=scenes, storage_path=tmp_path / "runs", local=True)
    assert result.all_done
    assert evidence(result.trials[0].folder) == evidence(only_trial(finished).folder)
    assert json.loads((result.trials[0].folder / "DONE.json").read_text())["reused_from"]["sweep"] == "tiny"


def test_a_dry_run_lists_detectors_and_writes_nothing(scenes, tmp_path, capsys):
    assert sweep.main([space(tmp_path), "--scenes", str(scenes), "--storage-path", str(tmp_path / "runs"), "--dry-run"]) == 0
    printed = capsys.readouterr().out
    assert "tiny: 2 trials, 2 to run in 2 packs" in printed
    assert "the scenes once; times are estimated" in " ".join(printed.split())
    assert not (tmp_path / "runs").exists()


def test_lost_weights_are_damage_with_the_way_out(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    (only_trial(tmp_path / "runs").folder / "detector.safetensors").unlink()
    (line,) = raygroup.read_sweep("tiny", tmp_path / "runs").damaged
    assert "detector.safetensors: no such file; delete the trial's DONE.json" in line


def steps_on_disk(storage):
    return [step for path in storage.glob("tiny/*/config.json") for step in listed_steps(path.parent)]


def kill_at_first_checkpoint(storage, kept_steps):
    """Kill the worker processes of this process once, after a checkpoint. The newest step goes into ``kept_steps``."""
    deadline = time.monotonic() + 600
    while not steps_on_disk(storage) and time.monotonic() < deadline:
        time.sleep(0.01)
    kept_steps += [max(steps_on_disk(storage))]
    for process in multiprocessing.active_children():
        process.kill()


@pytest.mark.slow
def test_a_killed_worker_costs_no_more_than_the_steps_since_a_checkpoint(scenes, tmp_path):
    longer = Sweep(name="tiny", trial=TRIAL.replaced("training.steps", 40))
    kept_steps = []
    killer = threading.Thread(target=kill_at_first_checkpoint, args=(tmp_path / "runs", kept_steps))
    killer.start()
    result = raygroup.run_sweep(longer, scenes=scenes, storage_path=tmp_path / "runs", local=True)
    killer.join()
    folder = result.trials[0].folder
    done = json.loads((folder / "DONE.json").read_text())
    assert done["attempts"] == 2
    assert done["first_step"] >= kept_steps[0] > 0
    undisturbed = raygroup.run_sweep(longer, scenes=scenes, storage_path=tmp_path / "other", local=True)
    assert evidence(folder) == evidence(undisturbed.trials[0].folder)


@pytest.mark.slow
def test_two_workers_on_ray_agree_with_one(finished, scenes, tmp_path):
    result = raygroup.run_sweep(ONE, scenes=scenes, storage_path=tmp_path / "runs", workers=2)
    assert result.all_done
    together, alone = read_spotter_history(result.trials[0].folder), read_spotter_history(only_trial(finished).folder)
    for name, values in alone.losses.items():
        assert together.losses[name][0] == pytest.approx(values[0], abs=1e-4), name
        # Batch statistics over two pixels, as here, amplify rounding. tests/training/spotter compares the later steps in float64.
        assert together.losses[name] == pytest.approx(values, abs=0.1), name
