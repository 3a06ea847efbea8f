"""``runs pull`` and ``runs clean`` on folders and object stores."""

import threading

import pytest
from busy_storage import uploaded
from synthetic_storage import trials, write_storage, write_trial

from raygroup.errors import ConfigError
from raygroup.files.atomic import write_bytes
from raygroup.files.places import place, size_of
from raygroup.history.reader import read_history, same_evidence
from raygroup.runs.__main__ import main
from raygroup.storage import pull as pulling
from raygroup.storage.pull import pull
from raygroup.storage.sweeps import TrialState, read_sweeps
from raygroup.tables.table3 import table3, table3_json


def files_of(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


def pull_copy(busy, tmp_path, *more):
    assert main(["pull", str(busy.storage), str(tmp_path / "copy"), *more]) == 0
    return tmp_path / "copy"


def test_a_copy_is_a_storage_path_with_the_same_evidence(busy, tmp_path, capsys):
    copy = pull_copy(busy, tmp_path)
    assert "files copied" in capsys.readouterr().out
    copied, originals = read_sweeps(copy), read_sweeps(busy.storage)
    assert [(sweep.name, [trial.state for trial in sweep.trials]) for sweep in copied] == [
        (sweep.name, [trial.state for trial in sweep.trials]) for sweep in originals
    ]
    for copy_sweep, original in zip(copied, originals, strict=True):
        done = zip(copy_sweep.in_state(TrialState.DONE), original.in_state(TrialState.DONE), strict=True)
        assert all(same_evidence(read_history(one.folder), read_history(other.folder)) for one, other in done)
        assert all(len(read_history(trial.folder).step) == 20 for trial in copy_sweep.in_state(TrialState.UNFINISHED))
    assert main(["show", "small", str(copy)]) == 0
    assert "ar+ko | bn | zh | hi+ja | la" in capsys.readouterr().out
    assert main(["logs", busy.failed.name, str(copy)]) == 0
    assert "Traceback" in capsys.readouterr().out


def test_the_tables_are_rebuilt_from_a_copy(busy, tmp_path):
    copy = pull_copy(busy, tmp_path)
    assert table3_json(table3(copy, "small")) == table3_json(table3(busy.storage, "small"))


def test_a_copy_has_checkpoints_and_caches_only_on_request(busy, tmp_path):
    trial = read_sweeps(busy.storage)[1].trials[0].folder
    for name in ("step-000030-1.safetensors", "state.json"):
        write_bytes(trial / "checkpoints" / name, b'{"layout": 1}')
    assert not [name for name in files_of(pull_copy(busy, tmp_path)) if "checkpoints" in name or name.startswith("cache")]
    last = files_of(pull_copy(busy, tmp_path, "--checkpoints", "last", "--caches"))
    assert [name.split("/")[-1] for name in last if f"{trial.name}/checkpoints" in name] == ["state.json", "step-000060.safetensors"]
    assert "cache/words-0a1b/features.arrow" in last
    every = files_of(pull_copy(busy, tmp_path, "--checkpoints", "all"))
    assert f"{trial.parent.name}/{trial.name}/checkpoints/step-000030-1.safetensors" in every


def test_one_sweep_can_be_copied_alone(busy, tmp_path, capsys):
    assert {name.split("/")[0] for name in files_of(pull_copy(busy, tmp_path, "--sweep", "small"))} == {"small"}
    assert main(["pull", str(busy.storage), str(tmp_path / "copy"), "--sweep", "smal"]) == 2
    assert f"no sweep 'smal' in {busy.storage}" in capsys.readouterr().err


def test_only_files_that_may_have_changed_are_copied_again(busy, tmp_path):
    copy = pull_copy(busy, tmp_path)
    before = {path: path.stat().st_ino for path in copy.rglob("*") if path.is_file()}
    result = pull(busy.storage, copy)
    assert result.num_present > 0
    changed = {path for path, number in before.items() if path.stat().st_ino != number}
    assert {path.name for path in changed} == {
        "sweep.json", "config.json", "DONE.json", "FAILED.json", "progress.json", "lease.json", "attempt-1.arrows",
    }  # fmt: skip


def test_a_copy_that_was_interrupted_is_completed(busy, tmp_path):
    copy = pull_copy(busy, tmp_path)
    whole = files_of(copy)
    lost = list(copy.rglob("*.parquet"))[:3]
    for path in lost:
        path.unlink()
    (copy / "small" / "half.partial-1").write_bytes(b"")
    assert files_of(pull_copy(busy, tmp_path)) == sorted([*whole, "small/half.partial-1"])


def test_a_copy_follows_trials_that_end_or_are_retried(busy, tmp_path):
    copy = pull_copy(busy, tmp_path)
    main(["stop", "half", str(busy.storage)])
    pull_copy(busy, tmp_path)
    assert (copy / "half" / "STOP.json").is_file()
    (busy.folder / "STOP.json").unlink()
    main(["retry", "half", str(busy.storage)])
    (label, config) = trials((0.1,), control=False)[1]
    write_trial(tmp_path / "elsewhere", "half", label, config, "2026-01-02T12:00:00+00:00")
    for path in (busy.running / "history").glob("*"):
        path.unlink()
    for path in (path for path in (tmp_path / "elsewhere").rglob("*") if path.is_file()):
        (busy.running / path.relative_to(tmp_path / "elsewhere").as_posix()).parent.mkdir(parents=True, exist_ok=True)
        write_bytes(busy.running / path.relative_to(tmp_path / "elsewhere").as_posix(), path.read_bytes())
    pull_copy(busy, tmp_path)
    assert not (copy / "half" / "STOP.json").exists()
    assert not (copy / "half" / busy.failed.name / "FAILED.json").exists()
    assert (copy / "half" / busy.running.name / "DONE.json").is_file()
    assert not list((copy / "half" / busy.running.name).glob("history/*"))
    assert read_history(copy / "half" / busy.running.name).step[-1] == 60


def test_pickles_locks_and_half_written_files_are_not_copied(busy, tmp_path):
    for name in ("tune/experiment.pkl", "tune/searcher.partial-3", "holder.json", ".lock"):
        (busy.folder / name).parent.mkdir(exist_ok=True)
        write_bytes(busy.folder / name, b"not ours")
    assert not {"experiment.pkl", "searcher.partial-3", "holder.json", ".lock"} & {
        path.name for path in pull_copy(busy, tmp_path).rglob("*")
    }


def test_a_trial_is_done_in_a_copy_only_when_all_its_files_are(busy, tmp_path, monkeypatch):
    seen = []
    copy_one = pulling._copy

    def watched(source, target):
        seen.append(target.name)
        return copy_one(source, target)

    monkeypatch.setattr(pulling, "_copy", watched)
    pull(busy.storage, tmp_path / "copy")
    assert set(seen[seen.index("DONE.json") :]) == {"DONE.json"}


def test_a_copy_that_fails_midway_has_no_trial_that_only_seems_done(busy, tmp_path, capsys):
    in_the_way = tmp_path / "copy" / "small" / read_sweeps(busy.storage)[1].trials[2].id / "history.parquet"
    in_the_way.mkdir(parents=True)
    assert main(["pull", str(busy.storage), str(tmp_path / "copy")]) == 3
    (error,) = capsys.readouterr().err.splitlines()
    assert str(in_the_way) in error
    assert f"To continue: python -m raygroup.runs pull {busy.storage}" in error
    assert not list((tmp_path / "copy").rglob("DONE.json"))


def test_names_that_lead_out_of_the_copy_are_refused_and_nothing_is_copied(bucket, object_store, tmp_path, capsys):
    from moto.s3.models import s3_backends

    storage = uploaded(write_storage(tmp_path / "runs"), place(f"{bucket}/runs"))
    store = s3_backends["123456789012"]["aws"]
    store.put_object(bucket.removeprefix("s3://"), "runs/small/../../evil.json", b"{}")
    assert main(["pull", str(storage), str(tmp_path / "copy")]) == 2
    assert "'../../evil.json' would lead out of the folder it is copied to; nothing was copied" in capsys.readouterr().err
    assert not (tmp_path / "copy").exists()
    assert not (tmp_path / "evil.json").exists()


def test_links_are_not_followed(tmp_path):
    storage = write_storage(tmp_path / "runs")
    (tmp_path / "secret.json").write_text("{}")
    (storage / "small" / "link.json").symlink_to(tmp_path / "secret.json")
    pull(storage, tmp_path / "copy")
    assert not (tmp_path / "copy" / "small" / "link.json").exists()


def test_a_storage_path_is_not_copied_onto_itself(tmp_path):
    storage = write_storage(tmp_path / "runs")
    with pytest.raises(ConfigError, match="is the storage path itself"):
        pull(storage, storage)


def test_copying_beside_a_writer_gives_whole_files_and_readable_histories(tmp_path):
    storage = write_storage(tmp_path / "runs")
    ended = threading.Event()

    def write() -> None:
        number = 0
        while not ended.is_set():
            number += 1
            (label, config) = trials((0.7,), control=False)[0]
            write_trial(storage / "small" / f"small-{number:012d}", "small", label, config, "2026-01-02T12:00:00+00:00")

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(5):
            pull(storage, tmp_path / "copy", sweep="small")
            for sweep in read_sweeps(tmp_path / "copy"):
                for trial in sweep.trials:
                    if trial.state == TrialState.DONE:
                        assert read_history(trial.folder).step[-1] == 60
                        assert (trial.folder / "predictions.parquet").is_file()
    finally:
        ended.set()
        writer.join()


def test_clean_removes_leftovers_in_a_folder_and_in_an_object_store(busy, capsys):
    done = read_sweeps(busy.storage)[1].trials[0].folder
    for name in ("stalled-100-0.txt", "checkpoints/step-000030.safetensors", "history.parquet.partial-7"):
        write_bytes(done / name, bytes(10))
    for name in ("tune/experiment_state.json", "tune.log"):
        (done.parent / name).parent.mkdir(exist_ok=True)
        write_bytes(done.parent / name, bytes(10))
    before = size_of(busy.storage)
    assert main(["clean", str(busy.storage), "--dry-run"]) == 0
    assert size_of(busy.storage) == before
    capsys.readouterr()
    assert main(["clean", str(busy.storage)]) == 0
    out = capsys.readouterr().out
    assert "stacks of a stall that was overcome" in out
    assert "state of a scheduler of a finished sweep" in out
    assert not busy.failed.exists()
    remaining = {"DONE.json", "checkpoints", "config.json", "history.parquet", "predictions.parquet"}
    assert {path.name for path in done.iterdir()} - {"history"} == remaining
    assert [path.name for path in (done / "checkpoints").iterdir()] == ["step-000060.safetensors"]
    assert (busy.silent / "stalled-200-0.txt").is_file(), "a trial that is still in training keeps its stacks"
    assert not (done.parent / "tune.log").exists()


def test_sweeps_in_an_object_store_are_listed_and_shown_like_those_in_a_folder(busy, capsys):
    assert main(["list", str(busy.storage)]) == 0
    rows = {line.split()[0]: line.split()[1:] for line in capsys.readouterr().out.splitlines() if line}
    assert rows["small"][:2] == ["4", "2026-01-02T10:05:00"]
    assert rows["half"][:4] == ["1", "2", "1", "-"]
    assert main(["show", "half", str(busy.storage)]) == 0
    assert "base_coefficient=0.1 seed=0 failed at step 20: integrated loss is nan" in capsys.readouterr().out


def test_without_a_terminal_a_long_copy_prints_its_progress_in_lines(busy, tmp_path, capsys, monkeypatch):
    from raygroup.runs import pull as command

    monkeypatch.setattr(command, "_PLAIN_LINE_S", 0.0)
    pull_copy(busy, tmp_path)
    *lines, last = capsys.readouterr().out.splitlines()
    assert lines[0].endswith(" copied")
    assert " of " in lines[0]
    assert last.startswith(f"{tmp_path / 'copy'}: ")


def test_the_source_may_be_a_flag_before_or_after_the_target(busy, tmp_path, capsys):
    source, target = str(busy.storage), str(tmp_path / "copy")
    for arguments in (["--storage-path", source, target], [target, "--sweep", "small", f"--storage-path={source}"]):
        assert main(["pull", *arguments]) == 0
    assert {sweep.name for sweep in read_sweeps(tmp_path / "copy")} == {sweep.name for sweep in read_sweeps(busy.storage)}
    assert main(["pull", source, "--sweep", "small", target]) == 0
    capsys.readouterr()
    assert main(["pull", source, target, "--storage-path", source]) == 2
    assert "name only one of them" in capsys.readouterr().err
