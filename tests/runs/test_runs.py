"""``runs list``, ``runs show`` and ``runs clean`` on a folder."""

import json
import subprocess
import sys

import pytest
from synthetic_storage import fail_trial, start_trial, trials, walk, write_attempt, write_storage, write_sweep

from raygroup.history.reader import read_history, same_evidence
from raygroup.runs.__main__ import main
from raygroup.scoring.predictions import read_predictions, score_predictions
from raygroup.storage.sweeps import read_sweeps


@pytest.fixture
def storage(tmp_path):
    return write_storage(tmp_path / "runs")


@pytest.fixture
def unfinished(storage):
    """Add a sweep with a failed trial and an unfinished one, beside the finished sweeps."""
    declared = trials((0.1,), control=False)
    folder = write_sweep(storage, "half", declared, done=False)
    failed, running = read_sweeps(storage)[0].trials
    for trial, (label, config) in zip((failed, running), declared, strict=True):
        start_trial(trial.folder, "half", label, config)
        write_attempt(trial.folder, 1, walk(config)[:20], config, 1)
    fail_trial(failed.folder, "integrated loss is nan", 20)
    (running.folder / "checkpoints").mkdir()
    return folder


def write_leftovers(folder):
    """Write what a process leaves that dies after DONE.json and before its clean-up. Return the paths."""
    names = ("checkpoints/step-000030.safetensors", "checkpoints/step-000045.partial", "checkpoints/state.json.partial-7")
    paths = [folder / name for name in (*names, "history.parquet.partial-7", "history/attempt-1.arrows")]
    for path in paths:
        path.write_bytes(bytes(10))
    return paths


def test_list_counts_the_trials_of_every_sweep(storage, unfinished, capsys):
    assert main(["list", str(storage)]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line}
    assert rows["small"][:2] == ["4", "2026-01-02T10:05:00"]
    assert rows["half"][:3] == ["1", "1", "-"]
    assert rows["caches:"] == ["2.0", "kB"]


def test_show_gives_each_trials_grouping_and_why_one_failed(storage, unfinished, capsys):
    assert main(["show", "small", str(storage)]) == 0
    assert "ar+ko | bn | zh | hi+ja | la" in capsys.readouterr().out
    assert main(["show", "half", str(storage)]) == 0
    out = capsys.readouterr().out
    assert "base_coefficient=0.1 seed=0 failed at step 20: integrated loss is nan" in out
    assert "unfinished" in out


def test_a_misspelt_sweep_lists_the_known_ones(storage, capsys):
    assert main(["show", "smal", str(storage)]) == 2
    assert capsys.readouterr().err == f"raygroup: no sweep 'smal' in {storage}; there are: small, small_control\n"


def test_a_dry_run_removes_nothing(storage, unfinished, capsys):
    write_leftovers(read_sweeps(storage)[1].trials[0].folder)
    before = sorted(storage.rglob("*"))
    assert main(["clean", str(storage), "--cache", "--heads", "--dry-run"]) == 0
    assert sorted(storage.rglob("*")) == before
    out = capsys.readouterr().out
    assert "older checkpoint of a finished trial" in out
    assert "trained heads of a finished trial" in out
    assert "half-written file" in out
    assert "failed trial" in out


def test_clean_keeps_evidence_predictions_and_everything_unfinished(storage, unfinished):
    small = read_sweeps(storage)[1].trials[0].folder
    history, words = read_history(small), read_predictions(small / "predictions.parquet")
    running = unfinished / next(trial.id for trial in read_sweeps(storage)[0].trials if trial.state == "unfinished")
    inside = sorted(running.rglob("*"))
    assert main(["clean", str(storage)]) == 0
    assert same_evidence(read_history(small), history)
    assert read_predictions(small / "predictions.parquet").equals(words)
    assert sorted(running.rglob("*")) == inside
    assert len([path for path in unfinished.iterdir() if path.is_dir()]) == 1


def test_clean_removes_the_trained_heads_of_a_finished_trial_only_on_request(storage, capsys):
    small = read_sweeps(storage)[0].trials[0].folder
    heads, others = small / "checkpoints" / "step-000060.safetensors", write_leftovers(small)
    assert main(["clean", str(storage)]) == 0
    assert heads.is_file()
    assert not [path for path in others if path.exists()]
    assert "trained heads" not in capsys.readouterr().out
    assert main(["clean", str(storage), "--heads"]) == 0
    assert not list(storage.rglob("*.safetensors"))
    assert read_history(small).step[-1] == 60


def test_the_last_checkpoint_has_the_highest_step_whatever_its_digits(storage):
    folder = read_sweeps(storage)[0].trials[0].folder / "checkpoints"
    (folder / "step-1000000.safetensors").write_bytes(bytes(10))
    assert main(["clean", str(storage)]) == 0
    assert [path.name for path in folder.iterdir()] == ["step-1000000.safetensors"]


def test_a_cache_is_removed_only_on_request_and_if_no_unfinished_sweep_reads_it(storage, unfinished):
    assert main(["clean", str(storage), "--cache"]) == 0
    assert (storage / "cache" / "words-0a1b").is_dir()
    for path in unfinished.rglob("config.json"):
        fail_trial(path.parent, "stopped", 1)
    for trial in read_sweeps(storage)[0].trials:
        trial.folder.mkdir(exist_ok=True)
        fail_trial(trial.folder, "stopped", 1)
    assert main(["clean", str(storage)]) == 0
    assert (storage / "cache" / "words-0a1b").is_dir()


def test_the_caches_of_finished_sweeps_are_removed_on_request(storage):
    assert main(["clean", str(storage), "--cache"]) == 0
    assert not (storage / "cache" / "words-0a1b").exists()


def test_clean_removes_no_folder_of_the_cache_that_raygroup_did_not_make(storage):
    results = storage / "cache" / "cache-0123456789ab"
    (results / "checkpoints").mkdir(parents=True)
    assert main(["clean", str(storage), "--cache"]) == 0
    assert results.is_dir()
    assert not (storage / "cache" / "words-0a1b").exists()


def test_a_missing_storage_path_is_one_line(tmp_path, capsys):
    assert main(["list", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith(f"raygroup: no storage path {tmp_path / 'nowhere'}")


def test_a_place_that_cannot_be_a_storage_path_is_refused(capsys):
    assert main(["list", "http://host/runs"]) == 2
    assert "http://host/runs: a storage path is a folder, or s3://bucket/folder" in capsys.readouterr().err


def test_listing_imports_neither_torch_nor_ray_nor_arrow(storage):
    code = (
        "import sys; from raygroup.runs.__main__ import main; main(sys.argv[1:]); assert not {'torch', 'ray', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, "list", str(storage)], check=True, capture_output=True)


def test_the_storage_path_may_be_a_flag_and_be_repeated(storage, tmp_path, capsys):
    other = write_storage(tmp_path / "other")
    assert main(["list", "--storage-path", str(storage), "--storage-path", str(other)]) == 0
    out = capsys.readouterr().out
    assert str(storage) in out
    assert str(other) in out
    assert main(["show", "small", "--storage-path", str(storage)]) == 0
    assert main(["clean", "--storage-path", str(storage), "--dry-run"]) == 0


def test_list_as_json_has_counts_and_sizes(storage, unfinished, capsys):
    assert main(["list", "--storage-path", str(storage), "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    by_name = {sweep.pop("name"): sweep for sweep in listed["sweeps"]}
    small, half = by_name["small"], by_name["half"]
    assert small.pop("bytes") > 0
    assert small == {
        "storage_path": str(storage), "trials": 4, "done": 4, "failed": 0, "unfinished": 0, "not_started": 0,
        "finished_at": "2026-01-02T10:05:00+00:00", "damaged": [],
    }  # fmt: skip
    assert (half["failed"], half["unfinished"], half["finished_at"]) == (1, 1, None)
    assert listed["caches"] == [{"storage_path": str(storage), "bytes": 2000}]


def test_show_as_json_has_the_numbers_of_the_table_unrounded(storage, unfinished, capsys):
    assert main(["show", "small", str(storage), "--json"]) == 0
    small = json.loads(capsys.readouterr().out)
    trial = small["trials"][0]
    assert (small["name"], len(small["trials"]), trial["state"], trial["steps"], trial["failure"]) == ("small", 4, "done", 60, None)
    assert trial["grouping"] == "ar+ko | bn | zh | hi+ja | la"
    stored = next(sweep for sweep in read_sweeps(storage) if sweep.name == "small").trials[0]
    scores = score_predictions(read_predictions(stored.folder / "predictions.parquet"), "unseen").mean
    assert (trial["unseen_accuracy"], trial["unseen_one_minus_ned"]) == (scores.accuracy, scores.one_minus_ned)
    assert main(["show", "half", str(storage), "--json"]) == 0
    failed = json.loads(capsys.readouterr().out)["trials"][0]
    assert (failed["failure"]["step"], failed["failure"]["reason"]) == (20, "integrated loss is nan")
    assert failed["unseen_accuracy"] is None


def test_clean_as_json_lists_what_it_removes(storage, capsys):
    paths = write_leftovers(read_sweeps(storage)[1].trials[0].folder)
    assert main(["clean", str(storage), "--dry-run", "--json"]) == 0
    planned = json.loads(capsys.readouterr().out)
    assert all(path.exists() for path in paths)
    assert main(["clean", str(storage), "--json"]) == 0
    removed = json.loads(capsys.readouterr().out)
    assert (planned["dry_run"], removed["dry_run"]) == (True, False)
    assert removed["leftovers"] == planned["leftovers"]
    listed = {storage / leftover["path"]: leftover["bytes"] for leftover in removed["leftovers"]}
    assert {path: listed[path] for path in paths} == dict.fromkeys(paths, 10)
    assert not any(path.exists() for path in paths)
