"""Every call of the file system may fail once: trials wait, and end with the same histories."""

import random
import shutil

import pytest
from failing_calls import FailingCalls
from pack_sessions import declare_plan, folders
from tiny_sweep import space

from raygroup import sweep
from raygroup.errors import ConfigError
from raygroup.files.retry import Retry
from raygroup.history.reader import read_history, same_evidence
from raygroup.history.writer import HistoryWriter
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.placement import Placement
from raygroup.storage.locks import lock_folder

ONE = {"grid": '{"grouping.base_coefficient": (0.0,)}'}
PATIENT = Placement(storage_patience_s=1e6)
PATIENT_RETRY = Retry(1e6)


@pytest.fixture(autouse=True)
def short_waits(monkeypatch):
    monkeypatch.setattr("raygroup.files.retry._FIRST_WAIT_S", 0.0)


def first_time():
    """Return a rule by which each call fails when it is made for the first time."""
    seen = set()

    def fails(call, number):
        is_new = call not in seen
        seen.add(call)
        return is_new

    return fails


def has_history_of(job, finished):
    return same_evidence(read_history(job.folder), read_history(finished / "tiny" / job.id))


def test_each_call_of_a_trial_that_fails_once_costs_nothing(finished, prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, **ONE)
    job = plan.jobs[0]
    with FailingCalls(job.folder, first_time()).active() as calls:
        assert run_pack(folders(plan), prepared, PATIENT) == {}
    failed = {(name, path.split("/")[-1]) for name, path in calls.failed}
    writes = {"DONE.json", "history.parquet", "predictions.parquet", "lease.json", "state.json", "step-000010.safetensors"}
    assert failed >= {("replace", name) for name in writes} | {("flock", ".lock"), ("open", "attempt.arrows")}
    assert failed >= {("fsync", "attempt.arrows"), ("pwrite", "attempt.arrows")}
    assert has_history_of(job, finished)
    assert not (job.folder / "FAILED.json").exists()


def test_each_call_of_the_command_that_fails_once_costs_nothing(finished, prepared, tmp_path, capsys):
    arguments = [space(tmp_path, **ONE), "--local", "--storage-path", str(prepared)]
    with FailingCalls(prepared, first_time()).active() as calls:
        assert sweep.main(arguments) == 0, capsys.readouterr()
    assert {("replace", "/tiny/sweep.json"), ("flock", "/tiny/.lock")} <= set(calls.failed)
    assert f"{prepared} fails ([Errno 122] Disk quota exceeded: '{prepared}" in capsys.readouterr().err
    (done,) = (prepared / "tiny").glob("*/DONE.json")
    assert same_evidence(read_history(done.parent), read_history(finished / "tiny" / done.parent.name))


@pytest.mark.slow
@pytest.mark.parametrize("every", [4, pytest.param(1, marks=pytest.mark.long)])
def test_any_single_call_of_the_command_may_fail(every, finished, tmp_path, capsys):
    def run(number):
        folder = tmp_path / str(number)
        shutil.copytree(finished / "cache", folder / "runs" / "cache")
        with FailingCalls(folder / "runs", lambda call, made: made == number).active() as calls:
            code = sweep.main([space(folder, **ONE), "--local", "--storage-path", str(folder / "runs")])
        assert code == 0, (calls.failed, capsys.readouterr().err)
        (done,) = (folder / "runs" / "tiny").glob("*/DONE.json")
        assert same_evidence(read_history(done.parent), read_history(finished / "tiny" / done.parent.name)), calls.failed
        shutil.rmtree(folder)
        return len(calls.calls)

    for number in range(random.randint(1, every), run(0) + 1, every):
        run(number)


def test_a_history_whose_closing_fails_once_is_closed(tmp_path):
    rule = first_time()
    with HistoryWriter(tmp_path, 1, ("la", "ar"), 1, {}, retry=PATIENT_RETRY) as writer:
        writer.append(1, [[0.0], [1.0]], [1.0], 1.0, 0.5, 0.1, 100.0, 1.8e9)
        with FailingCalls(tmp_path, rule).active() as calls:
            writer.close()
    assert {name for name, _ in calls.failed} >= {"pwrite", "fsync"}
    assert list(read_history(tmp_path).step) == [1]


def test_a_lock_that_cannot_be_taken_names_its_file(tmp_path):
    failing = FailingCalls(tmp_path, lambda call, number: call[0] == "flock").active()
    with failing, pytest.raises(OSError, match=r"Disk quota exceeded: '.*/\.lock'"), lock_folder(tmp_path, "trial"):
        pass


def test_a_read_only_storage_path_is_refused_without_waiting(tmp_path, monkeypatch, capsys):
    def refuse(*arguments, **options):
        raise OSError(30, "Read-only file system", str(tmp_path))

    monkeypatch.setattr("raygroup.storage.locks.write_bytes", refuse)
    assert sweep.main([space(tmp_path), "--local", "--storage-path", str(tmp_path / "runs")]) == ConfigError.exit_code
    assert "cannot be written: Read-only file system" in capsys.readouterr().err
