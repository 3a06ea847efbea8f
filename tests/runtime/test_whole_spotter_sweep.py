"""Whole spotters are trials of sweeps, as detectors and recognisers are."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_sessions import close, folders, open_pack, train_steps
from tiny_spotter import SPOTTING, TRIAL, WHOLE, scenes_in

import raygroup
from raygroup import sweep
from raygroup.errors import ConfigError
from raygroup.export.named_trial import named_detector
from raygroup.history.reader import read_history
from raygroup.history.spotter_history import read_spotter_history
from raygroup.model.spotter.detector import DetectorNetwork
from raygroup.model.spotter.shape import SHAPES
from raygroup.runs.__main__ import main as runs_main
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS, declare_trials
from raygroup.runtime.planning.plan import declare_sweep, make_plan
from raygroup.runtime.preparation.scene_tables import prepare_scenes
from raygroup.search_space import Sweep
from raygroup.spotting_config import LOSSES
from raygroup.training.spotter.detector_weights import load_detector, save_detector
from raygroup.training.spotter.trained_spotter import load_detecting_part, load_spotter_network
from raygroup.training.universal_weights import load_universal

ONE = replace(WHOLE, grid={})


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return scenes_in(tmp_path_factory.mktemp("scenes"))


@pytest.fixture(scope="module")
def finished(scenes, tmp_path_factory):
    """The storage path of a finished sweep of two spotters, to read only."""
    folder = tmp_path_factory.mktemp("finished")
    assert sweep.main([space(folder), "--scenes", str(scenes), "--local", "--storage-path", str(folder / "runs")]) == 0
    return folder / "runs"


def space(folder):
    path = folder / "whole.py"
    path.write_text('"""Hypothesis: none."""\nfrom tiny_spotter import WHOLE as sweep\n')
    return str(path)


def plan_of(trial, scenes, storage, **grid):
    return make_plan(Sweep(name="whole", trial=trial, grid=grid), "", storage, None, None, scenes=scenes)


def first(storage):
    return raygroup.read_sweep("whole", storage).trials[0]


def evidence(folder):
    """Return what must not depend on interruptions: R_TM, losses and weights."""
    history, trained = read_spotter_history(folder), load_spotter_network(folder / "spotter.safetensors")
    losses = {name: values.tobytes() for name, values in history.losses.items()}
    return {"r_tm": history.r_tm.tobytes(), **losses, **{k: v.numpy().tobytes() for k, v in trained.network.state_dict().items()}}


@pytest.mark.slow
def test_every_step_has_its_losses_and_the_assignment_after_it(finished):
    history = read_spotter_history(first(finished).folder)
    assert history.step.tolist() == [1, 2, 3, 4, 5, 6]
    assert tuple(history.losses) == LOSSES
    assert history.tasks == ("ar", "la")
    assert history.r_tm.shape == (6, 2, 2)
    assert np.isfinite(history.r_tm).all()
    assert len(np.unique(history.r_tm[:, 0, 0])) > 1
    assert history.metadata["charset"]
    with pytest.raises(ConfigError, match="read_spotter_history reads it"):
        read_history(first(finished).folder)


@pytest.mark.slow
def test_a_trial_ends_with_weights_that_say_how_to_build_the_network(finished):
    trial = first(finished)
    trained = load_spotter_network(trial.folder / "spotter.safetensors")
    assert trained.settings == trial.scene_settings == SPOTTING
    assert trained.tasks == ("ar", "la")
    assert set(trained.about["losses"]) == set(LOSSES)
    assert trained.about["scenes"] == 4
    assert set(load_universal(LAPTOP_WEIGHTS).charset.characters) <= set(trained.charset.characters)
    assert trained.network.recognition.banks[0].classes == trained.charset.num_classes
    assert not trained.network.training


@pytest.mark.slow
def test_results_have_groupings_and_the_losses_that_were_computed(finished, capsys):
    result = raygroup.read_sweep("whole", finished)
    assert result.all_done
    assert result.damaged == ()
    table = result.table()
    assert table["heads.base_coefficient"].to_pylist() == [0.2, 0.1]
    assert table["grouping"].to_pylist() == [str(groups) for groups in result.groupings.values()]
    steps = result.history()
    assert steps.num_rows == 12
    assert steps["head_la"].to_pylist()[:6] == first(finished).assigned[:, 1].tolist()
    assert result.to_json()["trials"][0]["settling_step"] == first(finished).settling_step
    with pytest.raises(ConfigError, match="trains a whole spotter, not a detector alone"):
        _ = first(finished).detector


@pytest.mark.slow
def test_runs_show_prints_groupings(finished, capsys):
    assert runs_main(["show", "whole", "--storage-path", str(finished)]) == 0
    printed = capsys.readouterr().out
    assert "distillation" in printed
    assert str(first(finished).groups) in printed
    assert "spotter.safetensors" in printed
    assert runs_main(["show", "whole", "--storage-path", str(finished), "--json"]) == 0
    trial = json.loads(capsys.readouterr().out)["trials"][0]
    assert set(trial["head_of"]) == {"ar", "la"}
    assert trial["damaged"] == []


@pytest.mark.slow
def test_a_finished_sweep_that_is_run_again_writes_nothing(finished, scenes, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert sweep.main([space(tmp_path), "--scenes", str(scenes), "--storage-path", str(finished)]) == 0
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()} == before
    assert "whole: whole spotters, and their mean losses" in capsys.readouterr().out


@pytest.mark.slow
def test_an_interrupted_trial_goes_on_from_its_checkpoint_with_the_same_bits(finished, scenes, tmp_path):
    plan = plan_of(SPOTTING, scenes, tmp_path / "runs")
    declare_sweep(plan)
    declare_trials(plan.jobs, plan.storage)
    prepare_scenes(scenes, plan.jobs)
    session = open_pack(plan, plan.storage)
    train_steps(session, plan, 5)  # a checkpoint after steps 2 and 4, and one step that is lost
    close(session)
    (folder,) = folders(plan)
    assert run_pack([folder], plan.storage) == {}
    done = json.loads((folder / "DONE.json").read_text())
    assert (done["first_step"], done["steps"], done["attempts"]) == (4, 6, 2)
    assert evidence(folder) == evidence(first(finished).folder)


@pytest.mark.slow
def test_a_trial_that_another_sweep_has_finished_is_not_trained_again(finished, scenes, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    result = raygroup.run_sweep(Sweep(name="other", trial=SPOTTING), scenes=scenes, storage_path=tmp_path / "runs", local=True)
    assert result.all_done
    assert evidence(result.trials[0].folder) == evidence(first(finished).folder)


@pytest.mark.slow
def test_the_detecting_part_of_a_spotter_is_a_detector(finished, tmp_path):
    file = named_detector("whole:base_coefficient=0.1 seed=0", [finished])
    network, about = load_detecting_part(file)
    assert (about["kind"], about["size"]) == ("detector", "compact")
    whole = load_spotter_network(file).network
    image = torch.rand(1, 3, 64, 96)
    with torch.no_grad():
        torch.testing.assert_close(network(image), whole.maps(image).logits)
    save_detector(tmp_path / "d.safetensors", network, "compact", {})
    assert torch.equal(load_detector(tmp_path / "d.safetensors")[0](image), network(image))


@pytest.mark.slow
def test_lost_weights_are_damage_with_the_way_out(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    (first(tmp_path / "runs").folder / "spotter.safetensors").unlink()
    (line,) = raygroup.read_sweep("whole", tmp_path / "runs").damaged
    assert "spotter.safetensors: no such file; delete the trial's DONE.json" in line


@pytest.mark.slow
def test_two_workers_on_ray_agree_with_one(finished, scenes, tmp_path):
    result = raygroup.run_sweep(ONE, scenes=scenes, storage_path=tmp_path / "runs", workers=2)
    assert result.all_done
    together, alone = read_spotter_history(result.trials[0].folder), read_spotter_history(first(finished).folder)
    for name, values in alone.losses.items():
        assert together.losses[name][0] == pytest.approx(values[0], abs=1e-3), name
    assert together.r_tm[0] == pytest.approx(alone.r_tm[0], abs=1e-3)


@pytest.fixture(scope="module")
def detector_file(tmp_path_factory):
    path = tmp_path_factory.mktemp("weights") / "d.safetensors"
    save_detector(path, DetectorNetwork(SHAPES["compact"]), "compact", {})
    return path


def test_an_id_depends_on_the_content_of_the_weights_and_not_on_their_name(scenes, tmp_path, detector_file):
    shutil.copy(LAPTOP_WEIGHTS, tmp_path / "copy.safetensors")
    paths = ("laptop", str(tmp_path / "copy.safetensors"), "")
    plain = SPOTTING.replaced("loss.distillation", 0.0)
    named, copied, without = (plan_of(plain.replaced("weights.reader", path), scenes, tmp_path).jobs[0] for path in paths)
    assert named.id == copied.id != without.id
    assert named.inputs(tmp_path)["reader"] == "laptop"
    assert copied.inputs(tmp_path)["reader"].startswith("cache/weights-")
    started = plan_of(SPOTTING.replaced("weights.detector", str(detector_file)), scenes, tmp_path).jobs[0]
    assert started.id != plan_of(SPOTTING, scenes, tmp_path).jobs[0].id
    assert started.scenes == plan_of(TRIAL, scenes, tmp_path).jobs[0].scenes


def test_a_trial_starts_from_a_detector_on_the_storage_path(scenes, tmp_path, detector_file):
    plan = plan_of(SPOTTING.replaced("weights.detector", str(detector_file)), scenes, tmp_path / "runs")
    declare_sweep(plan)
    declare_trials(plan.jobs, plan.storage)
    prepare_scenes(scenes, plan.jobs)
    session = open_pack(plan, plan.storage)
    weights = session.program.trainer.network.state_dict()
    close(session)
    assert all(torch.equal(value, weights[name]) for name, value in load_detector(detector_file)[0].state_dict().items())


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"weights.reader": ""}, "loss.distillation is 1.0: it must be 0 without weights.reader"),
        ({"loss.distillation": 0.0, "heads.source": "planes"}, "weights.reader is 'laptop': it must be '' with heads.source 'planes'"),
        ({"weights.reader": "gone.safetensors"}, "weights.reader: no file"),
        ({"weights.detector": str(LAPTOP_WEIGHTS)}, "is not a detector: python -m raygroup.pretrain --scenes writes one"),
        ({"heads.embed": 16}, "heads.embed and heads.hidden are 16 and 64: they must be 32 and 64"),
        ({"freeze": ("neck",)}, "freeze is ('neck',): it must be names of parts: trunk, segmentation"),
    ],
)
def test_settings_that_clash_are_one_error_before_anything_trains(changes, reason, scenes, tmp_path):
    trial = SPOTTING
    for path, value in changes.items():
        trial = trial.replaced(path, value)
    with pytest.raises(ConfigError) as error:
        plan_of(trial, scenes, tmp_path / "runs")
    assert reason in str(error.value)
    assert "\n" not in str(error.value)
    assert not (tmp_path / "runs").exists()


def test_a_detector_of_another_size_is_refused(scenes, tmp_path, detector_file):
    trial = SPOTTING.replaced("size", "reference").replaced("weights.detector", str(detector_file))
    with pytest.raises(ConfigError, match="is a detector of size 'compact', but size is 'reference'"):
        plan_of(trial, scenes, tmp_path)


def test_weights_of_the_command_are_the_readers(scenes, tmp_path, capsys):
    assert WHOLE.with_weights("mine.safetensors").trial.weights.reader == "mine.safetensors"
    with pytest.raises(ConfigError, match="--weights laptop: the search space v varies weights.reader itself"):
        Sweep(name="v", trial=SPOTTING, grid={"weights.reader": ("", "laptop")}).with_weights("laptop")
    planes = Sweep(name="p", trial=SPOTTING.replaced("loss.distillation", 0.0).replaced("heads.source", "planes"))
    with pytest.raises(ConfigError, match="the search space p has heads.source 'planes'"):
        planes.with_weights("laptop")
    arguments = [space(tmp_path), "--scenes", str(scenes), "--storage-path", str(tmp_path / "runs"), "--weights", "gone.safetensors"]
    assert sweep.main(arguments) == 2
    (line,) = capsys.readouterr().err.strip().splitlines()
    assert "weights.reader: no file" in line


def test_a_dry_run_lists_spotters_and_writes_nothing(scenes, tmp_path, capsys):
    assert sweep.main([space(tmp_path), "--scenes", str(scenes), "--storage-path", str(tmp_path / "runs"), "--dry-run"]) == 0
    assert "whole: 2 trials, 2 to run in 2 packs" in capsys.readouterr().out
    assert not (tmp_path / "runs").exists()
