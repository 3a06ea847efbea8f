"""Unfinished trials with damaged records go on with equal histories, and those in the folder of another trial do not go on."""

import json
import shutil

import pytest
from pack_sessions import declare_plan, folders, train_and_stop
from tiny_sweep import space

from raygroup import sweep
from raygroup.files.atomic import write_bytes
from raygroup.history.reader import read_history, same_evidence
from raygroup.runtime.attempt import pack_inputs, word_program
from raygroup.runtime.attempt.worker import run_pack
from raygroup.storage.checkpoint_index import listed_steps, sound_steps
from raygroup.storage.leases import attempt_records
from raygroup.words import feature_store

ONE = {"grid": '{"grouping.base_coefficient": (0.0,)}', "steps": 40}
INDEX = "checkpoints/state.json"


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory):
    """Return the history of the trial of ``tiny`` with one base coefficient over 40 steps."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(finished / "cache", folder / "runs" / "cache")
    plan = declare_plan(folder / "runs", folder, **ONE)
    assert run_pack(folders(plan), folder / "runs") == {}
    return read_history(plan.jobs[0].folder)


@pytest.fixture
def interrupted(prepared, tmp_path):
    """A plan whose trial stopped after step 25, with checkpoints of the steps 10 and 20."""
    plan = declare_plan(prepared, tmp_path, **ONE)
    train_and_stop(plan, prepared, 25)
    return plan


def damaged_entries(folder, **changes):
    index = json.loads((folder / INDEX).read_text())
    entries = [{name: value for name, value in (entry | changes).items() if value is not None} for entry in index["checkpoints"]]
    return json.dumps({"layout": 1, "checkpoints": entries})


@pytest.mark.parametrize(
    "content",
    [
        lambda folder: "",
        lambda folder: (folder / INDEX).read_text()[:100],
        lambda folder: "[]",
        lambda folder: damaged_entries(folder, file=None),
        lambda folder: damaged_entries(folder, step="20"),
        lambda folder: damaged_entries(folder, history={"attempt-1.arrows": 7}),
        lambda folder: damaged_entries(folder, file="../config.json"),
    ],
    ids=["empty", "cut", "a list", "without file", "step is a text", "history is a number", "no checkpoint"],
)
def test_however_a_list_is_damaged_the_checkpoints_are_found_by_what_they_hold(content, interrupted):
    folder = interrupted.jobs[0].folder
    (folder / INDEX).write_text(content(folder))
    assert (listed_steps(folder), sound_steps(folder)) == ((10, 20), {10, 20})


def test_with_a_damaged_list_a_trial_goes_on_from_the_checkpoint_that_holds_most_steps(interrupted, prepared, undisturbed, capsys):
    folder = interrupted.jobs[0].folder
    (folder / INDEX).write_text("")
    assert run_pack(folders(interrupted), prepared) == {}
    assert attempt_records(folder)[-1]["from_step"] == 20
    assert same_evidence(read_history(folder), undisturbed)
    assert capsys.readouterr().err.count(f"{folder / INDEX}: ") == 1


def test_with_a_damaged_list_a_damaged_checkpoint_does_not_count(interrupted, prepared, undisturbed):
    folder = interrupted.jobs[0].folder
    (folder / INDEX).write_text("")
    newest = folder / "checkpoints" / "step-000020-1.safetensors"
    content = newest.read_bytes()
    newest.write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    assert listed_steps(folder) == (10,)
    for path in (folder / "checkpoints").glob("*.safetensors"):
        path.write_bytes(b"")
    assert listed_steps(folder) == ()
    assert run_pack(folders(interrupted), prepared) == {}
    assert same_evidence(read_history(folder), undisturbed)


def test_a_checkpoint_that_a_later_attempt_left_behind_does_not_count(interrupted, prepared, undisturbed):
    folder = interrupted.jobs[0].folder
    newest = folder / "checkpoints" / "step-000020-1.safetensors"
    content = newest.read_bytes()
    newest.write_bytes(b"")
    train_and_stop(interrupted, prepared, 5)  # a second attempt begins at step 10, and records five steps
    newest.write_bytes(content)
    (folder / INDEX).write_text("")
    assert listed_steps(folder) == (10,)
    assert run_pack(folders(interrupted), prepared) == {}
    assert same_evidence(read_history(folder), undisturbed)


@pytest.mark.parametrize("content", ["", pytest.param("[1]", marks=pytest.mark.slow)])
def test_the_command_goes_on_if_every_record_of_an_unfinished_trial_is_damaged(content, interrupted, prepared, tmp_path, undisturbed):
    folder = interrupted.jobs[0].folder
    for name in (INDEX, "lease.json", "progress.json", "config.json"):
        (folder / name).write_text(content)
    assert sweep.main([space(tmp_path, **ONE), "--local", "--storage-path", str(prepared)]) == 0
    assert same_evidence(read_history(folder), undisturbed)


def test_a_trial_whose_lease_is_damaged_before_it_starts_is_not_marked_as_failed(interrupted, prepared, monkeypatch):
    folder = interrupted.jobs[0].folder
    load = word_program.load_training_data

    def damage_lease(*args):
        (folder / "lease.json").write_text("")
        return load(*args)

    monkeypatch.setattr(word_program, "load_training_data", damage_lease)
    assert run_pack(folders(interrupted), prepared) == {}
    assert not (folder / "DONE.json").exists()
    assert not (folder / "FAILED.json").exists()


def forget_stores():
    """Forget the features that this process has opened, as a new process would."""
    pack_inputs._load_stores.cache_clear()
    feature_store._verify_once.cache_clear()


@pytest.mark.parametrize(
    "damage", ["a bit is flipped", *(pytest.param(each, marks=pytest.mark.slow) for each in ("cut short", "features.json is empty"))]
)
def test_a_damaged_shard_of_features_is_named_and_made_again(damage, interrupted, prepared, tmp_path, undisturbed, capsys):
    (shard,) = prepared.glob("cache/features-*/00000.arrow")
    content = shard.read_bytes()
    forget_stores()
    if damage == "features.json is empty":
        shard.with_name("features.json").write_bytes(b"")
    else:
        middle = len(content) // 2
        rest = bytes([content[middle] ^ 1]) + content[middle + 1 :] if damage == "a bit is flipped" else b""
        write_bytes(shard, content[:middle] + rest)
        assert sweep.main([space(tmp_path, **ONE), "--local", "--storage-path", str(prepared)]) == 3
        assert f"{shard}: damaged: its checksum is " in capsys.readouterr().out
    assert sweep.main([space(tmp_path, **ONE), "--local", "--storage-path", str(prepared)]) == 0
    assert shard.read_bytes() == content
    assert same_evidence(read_history(interrupted.jobs[0].folder), undisturbed)


@pytest.mark.slow
def test_a_trial_does_not_go_on_from_the_folder_of_another_one_and_the_others_train(prepared, tmp_path, capsys):
    plan = declare_plan(prepared, tmp_path, seeds="(0, 1, 2)", **ONE)
    first, second, third = folders(plan)
    train_and_stop(plan, prepared, 15)
    spare = first.with_name("spare")
    first.rename(spare)
    second.rename(first)
    spare.rename(second)
    before = {path: path.read_bytes() for folder in (first, second) for path in folder.rglob("*") if path.is_file()}
    assert sweep.main([space(tmp_path, seeds="(0, 1, 2)", **ONE), "--local", "--storage-path", str(prepared)]) == 3
    assert (third / "DONE.json").is_file()
    printed = capsys.readouterr().out
    for folder, other in ((first, second), (second, first)):
        assert f"{folder}/config.json has the settings of trial {other.name}, but its folder is that of trial {folder.name}" in printed
    assert {path: path.read_bytes() for folder in (first, second) for path in folder.rglob("*") if path.is_file()} == before


def test_a_trial_does_not_go_on_from_the_history_of_another_one(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, seeds="(0, 1)", **ONE)
    first, second = folders(plan)
    train_and_stop(plan, prepared, 15)
    for name in ("history", "checkpoints"):
        shutil.rmtree(second / name)
        shutil.copytree(first / name, second / name)
    failed = run_pack(folders(plan), prepared)
    assert list(failed) == [second.name]
    assert f"{second}/history has the settings of trial {first.name}" in failed[second.name]
    assert (first / "DONE.json").is_file()


@pytest.mark.parametrize(
    ("name", "is_gone"),
    [("DONE.json", False), ("sweep.json", True), ("config.json", True), ("history.parquet", False), ("predictions.parquet", True)],
)
def test_a_finished_sweep_with_a_damaged_record_ends_with_0_and_shows_the_other_trials(name, is_gone, finished, tmp_path, capsys):
    shutil.copytree(finished, tmp_path / "runs")
    folder = next(path.parent for path in (tmp_path / "runs" / "tiny").glob("*/DONE.json"))
    path = folder.parent / name if name == "sweep.json" else folder / name
    path.unlink() if is_gone else path.write_bytes(b"")
    assert sweep.main([space(tmp_path), "--local", "--storage-path", str(tmp_path / "runs")]) == 0
    out, err = capsys.readouterr()
    assert str(path) in err or str(folder) in err
    assert sum(line.startswith("base_coefficient=") for line in out.splitlines()) == (2 if name in ("DONE.json", "sweep.json") else 1)
