"""Stage 1 is a trial of a sweep: it resumes bit for bit, and has a history, scores, tables and a weights file."""

import json
import shutil
from dataclasses import replace

import numpy as np
import pytest
import torch
from pack_sessions import close, folders, open_pack, train_steps
from stage1_training import one_thread  # noqa: F401

import raygroup
from raygroup import Sweep, sweep
from raygroup.config import Heads, Pretraining, Training, Trial, Words
from raygroup.errors import ConfigError
from raygroup.history.spotter_history import read_spotter_history
from raygroup.pretrain.words import pretrain
from raygroup.runs.__main__ import main as runs_main
from raygroup.runs.status import read_status
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.planning.jobs import declare_trials
from raygroup.runtime.planning.plan import declare_sweep, make_plan
from raygroup.runtime.preparation.prepare import prepare_words
from raygroup.runtime.processes import WorkerPool
from raygroup.training.universal_weights import load_universal, read_weights_metadata

WORDS = Words(tasks=("ar", "la"), characters=(20, 20), words_per_task=6, unseen_per_task=2, renders=1)
HEADS = Heads(count=1, start="independent", embed=6, hidden=8)
SETTINGS = Pretraining(words=WORDS, steps=5, head_steps=7, batch=4, heads=HEADS, checkpoint_every=3)
SPACE = '''
"""Hypothesis: none."""
from raygroup.config import Heads, Pretraining, Words
from raygroup.search_space import Sweep
words = Words(tasks=("ar", "la"), characters=(20, 20), words_per_task=6, unseen_per_task=2, renders=1)
heads = Heads(count=1, start="independent", embed=6, hidden=8)
trial = Pretraining(words=words, steps=5, head_steps=7, batch=4, heads=heads, checkpoint_every=3)
sweep = Sweep(name="first", trial=trial, grid={"heads.hidden": (8, 9)})
'''


def space(folder):
    (folder / "first.py").write_text(SPACE)
    return str(folder / "first.py")


@pytest.fixture(scope="module")
def finished(tmp_path_factory):
    """The storage path of a finished sweep of two universal heads, to read only."""
    folder = tmp_path_factory.mktemp("finished")
    assert sweep.main([space(folder), "--local", "--storage-path", str(folder / "runs")]) == 0
    return folder / "runs"


def results(storage, name="first"):
    return raygroup.read_sweep(name, storage)


def weights_of(path):
    universal = load_universal(path)
    return {name: value for module in (universal.trunk, universal.head) for name, value in module.state_dict().items()}


def evidence(folder):
    """Return what must not depend on interruptions: losses, and the bytes of the weights file with its scores."""
    losses = read_spotter_history(folder).losses
    return {name: values.tobytes() for name, values in losses.items()} | {"file": (folder / "universal.safetensors").read_bytes()}


def test_every_step_of_both_phases_has_its_losses_and_the_head_alone_has_no_alignment_loss(finished):
    history = read_spotter_history(results(finished).trials[0].folder)
    assert history.step.tolist() == [*range(1, 13)]
    assert tuple(history.losses) == ("recognition", "alignment")
    assert np.isfinite(history.losses["recognition"]).all()
    assert (history.losses["alignment"][:5] > 0).all()
    assert (history.losses["alignment"][5:] == 0).all()
    assert history.metadata["charset"]


def test_a_trial_ends_with_the_weights_of_the_command_with_the_same_settings(finished, tmp_path):
    shutil.copytree(finished / "cache", tmp_path / "runs" / "cache")
    pretrain(SETTINGS, tmp_path / "universal.safetensors", storage_path=tmp_path / "runs")
    trial = results(finished).trials[0]
    alone, of_sweep = weights_of(tmp_path / "universal.safetensors"), weights_of(trial.weights)
    assert all(torch.equal(value, of_sweep[name]) for name, value in alone.items())
    about = read_weights_metadata(trial.weights)
    assert about["scores"] == read_weights_metadata(tmp_path / "universal.safetensors")["scores"] == trial.head_scores
    assert set(trial.head_scores["unseen"]) == {"mean", "ar", "la"}
    assert trial.head_scores["new"]["la"]["words"] == 6


def test_results_have_losses_scores_and_no_grouping(finished):
    result = results(finished)
    assert result.all_done
    assert result.damaged == ()
    assert (result.choice, dict(result.groupings)) == (None, {})
    table = result.table()
    assert table["heads.hidden"].to_pylist() == [8, 9]
    assert table["unseen_accuracy"].to_pylist() == [trial.head_scores["unseen"]["mean"]["exact"] for trial in result.trials]
    assert table["steps"].to_pylist() == [12, 12]
    tasks = result.task_scores()
    assert tasks.filter(tasks_of(tasks, "la", "new"))["words"].to_pylist() == [6, 6]
    assert result.history().num_rows == 24
    assert json.loads(json.dumps(result.to_json()))["tasks"][0]["task"] == "ar"
    assert result.trials[0].pretraining == SETTINGS
    with pytest.raises(ConfigError, match=r"trains a universal head \(stage 1\), not a grouping"):
        _ = result.trials[0].settings
    with pytest.raises(ConfigError, match="trains on words, so it has no detector"):
        _ = result.trials[0].scene_settings


def tasks_of(table, task, split):
    import pyarrow.compute as pc

    return pc.and_(pc.equal(table["task"], task), pc.equal(table["split"], split))


def test_runs_show_prints_scores_by_task_and_the_weights_file(finished, capsys):
    assert runs_main(["show", "first", "--storage-path", str(finished)]) == 0
    printed = capsys.readouterr().out
    for part in ("hidden=8 seed=0", "unseen exact", "by task: hidden=8 seed=0", "universal.safetensors"):
        assert part in printed
    assert runs_main(["show", "first", "--storage-path", str(finished), "--json"]) == 0
    trial = json.loads(capsys.readouterr().out)["trials"][0]
    assert trial["scores"]["new"]["la"]["words"] == 6
    assert (trial["damaged"], trial["steps"]) == ([], 12)


def test_a_finished_sweep_that_is_run_again_writes_nothing_and_prints_its_scores(finished, tmp_path, capsys):
    before = {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()}
    assert sweep.main([space(tmp_path), "--storage-path", str(finished)]) == 0
    assert {path: path.stat().st_mtime_ns for path in finished.rglob("*") if path.is_file()} == before
    assert "first: accuracy of each universal head, mean over tasks" in capsys.readouterr().out


def test_tensorboard_has_losses_and_final_scores(finished):
    folder = results(finished).trials[0].folder
    content = b"".join(path.read_bytes() for path in (folder / "tensorboard").iterdir())
    for name in (b"loss/recognition", b"accuracy_unseen/mean", b"1-NED_new/la"):
        assert name in content


@pytest.mark.parametrize("steps", [2, 4, 8, 12])
def test_an_interrupted_trial_goes_on_from_its_checkpoint_with_the_same_bits(steps, finished, tmp_path):
    """Checkpoints come after steps 3, 6, 9 and 12. The trunk is trained in the first five."""
    shutil.copytree(finished / "cache", tmp_path / "runs" / "cache")
    plan = make_plan(Sweep(name="first", trial=SETTINGS), "", tmp_path / "runs", None, None)
    declare_sweep(plan)
    declare_trials(plan.jobs, plan.storage)
    session = open_pack(plan, plan.storage)
    train_steps(session, plan, steps)
    close(session)
    ((training,),) = [status.training for status in read_status([plan.storage])]
    assert (training.step, training.steps) == (steps // 3 * 3, 12 if steps > 2 else training.steps)
    (folder,) = folders(plan)
    assert run_pack([folder], plan.storage) == {}
    done = json.loads((folder / "DONE.json").read_text())
    assert (done["first_step"], done["steps"], done["attempts"]) == (steps // 3 * 3, 12, 2)
    assert evidence(folder) == evidence(results(finished).trials[0].folder)


def test_a_trial_that_another_sweep_has_finished_is_not_trained_again(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    result = raygroup.run_sweep(Sweep(name="other", trial=SETTINGS), storage_path=tmp_path / "runs", local=True)
    assert result.all_done
    assert result.trials[0].stored.outcome()["reused_from"]["sweep"] == "first"
    assert evidence(result.trials[0].folder) == evidence(results(finished).trials[0].folder)


def test_a_loss_that_is_not_finite_fails_the_trial_with_the_settings_to_lower(finished, tmp_path):
    shutil.copytree(finished / "cache", tmp_path / "runs" / "cache")
    wild = Sweep(name="wild", trial=replace(SETTINGS, learning_rate=1e30, clip=1e30, steps=60))
    result = raygroup.run_sweep(wild, storage_path=tmp_path / "runs", local=True)
    (reason,) = result.failed.values()
    assert "loss is" in reason
    assert reason.endswith("Lower learning_rate, head_learning_rate or clip")


def test_a_report_shows_losses_and_says_that_stage_1_is_not_shipped(finished, tmp_path):
    raygroup.write_report("first", tmp_path / "report.html", finished)
    page = (tmp_path / "report.html").read_text()
    for part in ("words (stage 1)", "recognition", "universal.safetensors", "Trials of stage 1 are not shipped"):
        assert part in page


def test_lost_weights_are_damage_with_the_way_out(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    results(tmp_path / "runs").trials[0].weights.unlink()
    (line,) = results(tmp_path / "runs").damaged
    assert "universal.safetensors: no such file; delete the trial's DONE.json" in line


def test_a_sweep_whose_declaration_is_damaged_is_still_one_of_stage_1(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    (tmp_path / "runs" / "first" / "sweep.json").write_text("{")
    assert results(tmp_path / "runs").stored.trains_on == "stage 1"


def test_stage_2_starts_from_the_weights_file_of_a_trial(finished, tmp_path):
    trial = Trial(words=WORDS, heads=Heads(count=2, embed=6, hidden=8), training=Training(steps=2, batch=4))
    weights = results(finished).trials[0].weights
    result = raygroup.run_sweep(Sweep(name="second", trial=trial), weights=weights, storage_path=tmp_path / "runs", local=True)
    assert result.all_done


@pytest.mark.parametrize("start", ["spotter", "laptop"])
def test_with_no_steps_the_trunk_stays_and_a_head_of_another_size_is_trained(start, finished, tmp_path):
    shutil.copytree(finished / "cache", tmp_path / "runs" / "cache")
    trial = replace(SETTINGS, start=start, steps=0)
    plan = make_plan(Sweep(name="frozen", trial=trial), "", tmp_path / "runs", None, None)
    declare_sweep(plan)
    declare_trials(plan.jobs, plan.storage)
    with WorkerPool(1) as workers:
        prepare_words(plan, plan.jobs, lambda *_: None, workers)
    (folder,) = folders(plan)
    assert json.loads((folder / "config.json").read_text())["weights"] == start
    assert run_pack([folder], plan.storage) == {}
    from raygroup.runtime.stage1.start import start_file
    from raygroup.training.universal_start import load_start, trunk_of

    trained = load_universal(folder / "universal.safetensors")
    frozen = trunk_of(load_start(start_file(start))).state_dict()
    assert all(torch.equal(value, frozen[name]) for name, value in trained.trunk.state_dict().items())
    assert trained.head.hidden == 8
    assert trained.charset.num_classes < 50, "it knows the characters of its words alone"
