import subprocess
import sys

import pytest
from synthetic_storage import fail_trial, start_trial, trials, walk, write_attempt, write_storage, write_sweep

from raygroup.history.reader import read_history, same_evidence
from raygroup.runs.__main__ import main
from raygroup.scoring.predictions import read_predictions
from raygroup.storage.sweeps import read_sweeps


@pytest.fixture
def storage(tmp_path):
    return write_storage(tmp_path / "runs")


@pytest.fixture
def unfinished(storage):
    """A sweep with a failed trial and one in the middle, beside the finished ones."""
    declared = trials((0.1,), control=False)
    folder = write_sweep(storage, "half", declared, done=False)
    failed, running = read_sweeps(storage)[0].trials
    for trial, (label, config) in zip((failed, running), declared, strict=True):
        start_trial(trial.folder, "half", label, config)
        write_attempt(trial.folder, 1, walk(config)[:20], config, 1)
    fail_trial(failed.folder, "integrated loss is nan", 20)
    (running.folder / "checkpoints").mkdir()
    return folder


def crashed(folder):
    """What a process that ended between DONE.json and its tidying leaves in a trial's folder; the paths."""
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


def test_a_misspelt_sweep_lists_those_there_are(storage, capsys):
    assert main(["show", "smal", str(storage)]) == 2
    assert capsys.readouterr().err == f"raygroup: no sweep 'smal' in {storage}; there are: small, small_control\n"


def test_a_dry_run_removes_nothing(storage, unfinished, capsys):
    crashed(read_sweeps(storage)[1].trials[0].folder)
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


def test_clean_keeps_the_trained_heads_of_a_finished_trial_until_asked_for_them(storage, capsys):
    small = read_sweeps(storage)[0].trials[0].folder
    heads, others = small / "checkpoints" / "step-000060.safetensors", crashed(small)
    assert main(["clean", str(storage)]) == 0
    assert heads.is_file()
    assert not [path for path in others if path.exists()]
    assert "trained heads" not in capsys.readouterr().out
    assert main(["clean", str(storage), "--heads"]) == 0
    assert not list(storage.rglob("*.safetensors"))
    assert read_history(small).step[-1] == 60


def test_the_last_checkpoint_is_that_of_the_highest_step_however_it_is_written(storage):
    folder = read_sweeps(storage)[0].trials[0].folder / "checkpoints"
    (folder / "step-1000000.safetensors").write_bytes(bytes(10))
    assert main(["clean", str(storage)]) == 0
    assert [path.name for path in folder.iterdir()] == ["step-1000000.safetensors"]


def test_a_cache_goes_only_when_asked_and_when_no_unfinished_sweep_reads_it(storage, unfinished):
    assert main(["clean", str(storage), "--cache"]) == 0
    assert (storage / "cache" / "0a1b").is_dir()
    for path in unfinished.rglob("config.json"):
        fail_trial(path.parent, "stopped", 1)
    for trial in read_sweeps(storage)[0].trials:
        trial.folder.mkdir(exist_ok=True)
        fail_trial(trial.folder, "stopped", 1)
    assert main(["clean", str(storage)]) == 0
    assert (storage / "cache" / "0a1b").is_dir()


def test_a_finished_storage_gives_up_its_caches_when_asked(storage):
    assert main(["clean", str(storage), "--cache"]) == 0
    assert not (storage / "cache" / "0a1b").exists()


def test_a_storage_path_that_is_not_there_is_one_line(tmp_path, capsys):
    assert main(["list", str(tmp_path / "nowhere")]) == 2
    assert capsys.readouterr().err.startswith(f"raygroup: no storage path {tmp_path / 'nowhere'}")


def test_a_place_that_cannot_be_a_storage_path_is_said(capsys):
    with pytest.raises(SystemExit) as ended:
        main(["list", "http://host/runs"])
    assert ended.value.code == 2
    assert "http://host/runs: a storage path is a folder, or s3://bucket/folder" in capsys.readouterr().err


def test_listing_imports_neither_torch_nor_ray_nor_arrow(storage):
    code = (
        "import sys; from raygroup.runs.__main__ import main; main(sys.argv[1:]); assert not {'torch', 'ray', 'pyarrow'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, "list", str(storage)], check=True, capture_output=True)
