"""A trial that another sweep of the storage path has finished is not trained again."""

import json
import shutil
from pathlib import Path

import pytest
from busy_storage import uploaded
from sweep_process import trial_folders
from tiny_sweep import space

from raygroup import sweep
from raygroup.files.atomic import read_json
from raygroup.files.places import place
from raygroup.history.reader import read_history, same_evidence
from raygroup.runtime.planning.plan import load_plan
from raygroup.runtime.preparation.reuse import find_finished_twins, reuse_trials
from raygroup.storage.sweeps import TrialState, read_sweep


@pytest.fixture
def storage(finished, tmp_path):
    shutil.copytree(finished, tmp_path / "runs")
    return tmp_path / "runs"


def dry_run(path, storage, capsys, *flags):
    capsys.readouterr()
    assert sweep.main([path, "--dry-run", "--json", "--storage-path", str(storage), *flags]) == 0
    return json.loads(capsys.readouterr().out)["trials"]


def test_the_same_trials_under_another_name_are_linked_and_not_trained(storage, tmp_path, capsys, monkeypatch):
    monkeypatch.setattr("raygroup.runtime.sweep_run.run_packs", lambda *arguments: pytest.fail("a trial was trained"))
    path = space(tmp_path, name="other")
    assert dry_run(path, storage, capsys) == 0
    assert dry_run(path, storage, capsys, "--no-reuse") == 2
    assert sweep.main([path, "--local", "--storage-path", str(storage)]) == 0
    out = capsys.readouterr().out
    assert "2 trials are the same as in tiny, so those results are used (--no-reuse trains again)" in out
    assert "base_coefficient=0.2 seed=0" in out
    for trial in read_sweep(storage / "other").trials:
        twin = storage / "tiny" / trial.id.replace("other-", "tiny-")
        assert trial.state == TrialState.DONE
        assert trial.outcome()["reused_from"]["trial"] == twin.name
        assert read_json(trial.folder / "config.json")["sweep"] == "other"
        assert same_evidence(read_history(trial.folder), read_history(twin))
        assert (trial.folder / "history.parquet").samefile(twin / "history.parquet")
        assert (trial.folder / "word_facts.json").samefile(twin / "word_facts.json")
        assert (trial.folder / "checkpoints" / "state.json").is_file()


def test_only_the_trials_that_are_the_same_are_reused(storage, tmp_path, capsys):
    grid = '{"grouping.base_coefficient": (0.2, 0.3)}'
    assert dry_run(space(tmp_path, name="other", grid=grid), storage, capsys) == 1
    assert dry_run(space(tmp_path, name="longer", steps=30), storage, capsys) == 2


def test_a_reused_trial_keeps_the_name_of_the_one_that_was_trained(storage, tmp_path, capsys):
    for name in ("other", "third"):
        assert sweep.main([space(tmp_path, name=name), "--local", "--storage-path", str(storage)]) == 0
    origins = {trial.outcome()["reused_from"]["sweep"] for trial in read_sweep(storage / "third").trials}
    assert origins == {"tiny"}


@pytest.mark.parametrize("damage", ["history.parquet", "DONE.json", "config.json"])
def test_a_damaged_trial_is_not_reused(storage, tmp_path, damage):
    path = trial_folders(storage)[0] / damage
    path.write_text("{}") if path.suffix == ".json" else path.unlink()
    plan = load_plan(space(tmp_path, name="other"), storage)
    assert len(find_finished_twins(plan, plan.missing)) == 1


def test_a_folder_with_the_name_of_another_trial_is_not_reused(storage, tmp_path, capsys):
    one, other = trial_folders(storage)
    one.rename(tmp_path / "aside")
    shutil.copytree(other, one)
    assert dry_run(space(tmp_path, name="other"), storage, capsys) == 1


def test_a_trial_that_was_begun_is_continued_not_replaced(storage, tmp_path, capsys):
    path = space(tmp_path, name="other")
    begun = load_plan(path, storage).jobs[0].folder
    begun.mkdir(parents=True)
    (begun / "lease.json").write_text("{}")
    assert dry_run(path, storage, capsys) == 1


def test_trials_are_reused_on_an_object_store(storage, tmp_path, bucket):
    there = place(f"{bucket}/runs")
    uploaded(storage, there)
    plan = load_plan(space(tmp_path, name="other"), there)
    twins = find_finished_twins(plan, plan.missing)
    reuse_trials(plan, twins)
    assert len(twins) == 2
    assert plan.missing == ()
    assert all(len(read_history(job.folder).step) == 20 for job in plan.jobs)


def test_files_are_copied_where_links_are_impossible(storage, tmp_path, monkeypatch):
    def refuse(*names):
        raise OSError("no links here")

    monkeypatch.setattr("os.link", refuse)
    plan = load_plan(space(tmp_path, name="other"), storage)
    reuse_trials(plan, find_finished_twins(plan, plan.missing))
    (one, *_) = plan.jobs
    assert isinstance(one.folder, Path)
    assert len(read_history(one.folder).step) == 20
