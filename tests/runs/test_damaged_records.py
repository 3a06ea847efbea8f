"""Commands on a storage path with damaged records show everything else, and name the damaged file in one line."""

import json

import pytest
from busy_storage import uploaded, write_busy
from synthetic_storage import write_storage

from raygroup.files.atomic import write_bytes
from raygroup.files.places import place
from raygroup.runs.__main__ import main
from raygroup.storage.sweeps import read_sweeps

COMMANDS = {
    "list": ["list"], "show": ["show", "small"], "status": ["status"], "clean": ["clean", "--dry-run", "--storage-path"],
    "logs": ["logs", "small-"],
}  # fmt: skip
WRONG_TYPE = b'{"layout": 1, "finished_at": 7, "trials": 7, "trial": 7, "reason": [], "step": "x", "attempts": 7, "at": {}}'


@pytest.fixture(params=["folder", pytest.param("object store", marks=pytest.mark.slow)])
def storage(request, tmp_path):
    """A storage path with two finished sweeps, on a file system and on an object store."""
    folder = write_storage(tmp_path / "runs", seeds=(0,))
    return folder if request.param == "folder" else uploaded(folder, place(f"{request.getfixturevalue('bucket')}/runs"))


def run(command, storage, capsys):
    assert main([*command, str(storage)]) == 0
    return capsys.readouterr()


@pytest.mark.parametrize("content", [b"", b'{"layout": 1, "steps"', b"[1, 2]", WRONG_TYPE])
def test_one_damaged_done_file_hides_no_other_trial(storage, content, tmp_path, capsys):
    damaged = read_sweeps(storage)[0].trials[0]
    write_bytes(damaged.folder / "DONE.json", content)
    for command in ("list", "show", "status", "clean"):
        out, err = run(COMMANDS[command], storage, capsys)
        assert (err + out).count(f"{damaged.folder}/DONE.json: ") == 1, command
        assert "delete the trial's DONE.json, and the sweep's command trains it again" in " ".join((err + out).split())
        assert "small_control" in out or command in ("show", "clean")
    assert run(["logs", damaged.id], storage, capsys).err.count("DONE.json: ") == 1
    assert json.loads(run(["show", "small", "--json", "--storage-path"], storage, capsys).out)["damaged"]
    assert main(["pull", str(storage), str(tmp_path / "copy")]) == 0
    assert "DONE.json: " in capsys.readouterr().err
    assert [len(sweep.trials) for sweep in read_sweeps(tmp_path / "copy")] == [2, 1]


def test_a_damaged_sweep_file_hides_no_other_sweep(storage, capsys):
    write_bytes(storage / "small" / "sweep.json", b"")
    for command in COMMANDS:
        arguments = ["logs", read_sweeps(storage)[0].trials[0].id] if command == "logs" else COMMANDS[command]
        out, err = run(arguments, storage, capsys)
        assert "the sweep's command writes it anew" in " ".join((err + out).split()) or command == "logs"


@pytest.mark.parametrize("name", ["config.json", "history.parquet", "predictions.parquet"])
@pytest.mark.parametrize("content", [b"", None, b"PAR1 and no more"])
def test_show_leaves_out_what_one_damaged_file_would_have_said(tmp_path, name, content, capsys):
    storage = write_storage(tmp_path / "runs", seeds=(0,))
    damaged, whole = read_sweeps(storage)[0].trials
    (damaged.folder / name).unlink()
    if content is not None:
        (damaged.folder / name).write_bytes(content)
    out, err = run(["show", "small"], storage, capsys)
    assert "ar+ko | bn | zh+ja | hi | la" in next(line for line in out.splitlines() if line.startswith(whole.label))
    (line,) = err.splitlines()
    assert line.startswith(f"raygroup: {damaged.folder}")
    assert "delete the trial's DONE.json, and the sweep's command trains it again" in line


@pytest.mark.parametrize("name", ["lease.json", "progress.json", "config.json", "STOP.json", "FAILED.json"])
@pytest.mark.parametrize("content", [b"", b"[1]", WRONG_TYPE])
def test_status_and_logs_name_damaged_records_of_trials_in_training(tmp_path, name, content, capsys):
    busy = write_busy(tmp_path)
    folder = {"STOP.json": busy.folder, "FAILED.json": busy.failed}.get(name, busy.running)
    (folder / name).write_bytes(content)
    out, _ = run(["status"], tmp_path, capsys)
    if name != "config.json":  # it is read only if nothing else tells the number of steps
        assert out.count(f"{folder / name}: ") == 1
    assert "2:00:0" in out, "the other trial in training is shown"
    assert json.loads(run(["status", "--json", "--storage-path"], tmp_path, capsys).out)["sweeps"]
    if name != "STOP.json":
        assert run(["logs", folder.name], tmp_path, capsys).err.count(f"{folder / name}: ") == 1


def test_clean_keeps_everything_of_a_trial_whose_outcome_is_damaged(tmp_path, capsys):
    storage = write_storage(tmp_path / "runs", seeds=(0,))
    folder = read_sweeps(storage)[0].trials[0].folder
    (folder / "DONE.json").write_bytes(b"")
    (folder / "checkpoints" / "step-000030.safetensors").write_bytes(bytes(10))
    before = sorted(folder.rglob("*"))
    run(["clean", "--heads", "--storage-path"], storage, capsys)
    assert sorted(folder.rglob("*")) == before


def test_clean_keeps_the_attempts_beside_a_sealed_history_that_cannot_be_read(tmp_path, capsys):
    storage = write_storage(tmp_path / "runs", seeds=(0,))
    folder = read_sweeps(storage)[0].trials[0].folder
    (folder / "history.parquet").write_bytes(b"")
    (folder / "history" / "attempt-1.arrows").write_bytes(b"steps")
    run(["clean", "--storage-path"], storage, capsys)
    assert (folder / "history" / "attempt-1.arrows").is_file()


def test_a_last_write_that_lies_ahead_is_no_sign_of_life(tmp_path, capsys):
    busy = write_busy(tmp_path)
    progress = json.loads((busy.silent / "progress.json").read_text())
    (busy.silent / "progress.json").write_text(json.dumps(progress | {"at": progress["at"] + 400 * 86400}))
    half = next(
        sweep
        for sweep in json.loads(run(["status", "--json", "--storage-path"], tmp_path, capsys).out)["sweeps"]
        if sweep["name"] == "half"
    )
    assert next(trial for trial in half["training"] if trial["id"] == busy.silent.name)["silent"] is True
