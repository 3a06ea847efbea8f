"""Storage that is full, drops requests, or is an object store.

Trials wait for it, and end with the same results.
"""

import contextlib
import random
import select
import shutil
import socket
import socketserver
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from pack_sessions import declare_plan, folders, train_and_stop
from sweep_process import DEADLINE_S
from tiny_sweep import space

from raygroup import sweep
from raygroup.errors import ConfigError
from raygroup.files.atomic import read_json, write_bytes, write_json
from raygroup.files.local_copies import copies_folder
from raygroup.files.places import place
from raygroup.history.reader import attempt_files, read_history, same_evidence
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.placement import Placement
from raygroup.runtime.planning.plan import Plan, load_plan
from raygroup.storage.leases import attempt_records
from raygroup.storage.locks import lock_folder
from raygroup.storage.sweeps import read_sweeps


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """Mount a file system of this size at a new folder, during the block.

    The test is skipped if this process may not mount one.
    """
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def resize(disk: Path, size: str) -> None:
    subprocess.run(["mount", "-o", f"remount,size={size}", str(disk)], check=True)


PATIENT = f"""
import sys
from pathlib import Path
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.placement import Placement
storage, *trials = map(Path, sys.argv[1:])
failed = run_pack(trials, storage, Placement(storage_patience_s={DEADLINE_S}))
assert not failed, failed
"""
"""Train a pack, and wait for a storage path that fails."""


@pytest.mark.slow
def test_a_trial_waits_while_the_disk_is_full_and_continues_when_it_is_enlarged(finished, tmp_path):
    storage = tmp_path / "runs"
    with small_disk(storage, "64m"):
        shutil.copytree(finished / "cache", storage / "cache")
        plan = declare_plan(storage, tmp_path, steps=60)
        used_kb = int(subprocess.run(["du", "-sk", str(storage)], capture_output=True, text=True, check=True).stdout.split()[0])
        resize(storage, f"{used_kb + 1000}k")
        command = [sys.executable, "-c", PATIENT, str(storage), *map(str, folders(plan))]
        with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
            # The worker warns when it finds the disk full. Only then is the disk enlarged.
            warning = next((line for line in worker.stderr if "No space left on device" in line), None)
            resize(storage, "64000k")
            errors = worker.communicate(timeout=DEADLINE_S)[1]
        assert warning, "the disk was never full"
        assert worker.returncode == 0, errors
        histories = {job.id: read_history(job.folder) for job in plan.jobs}
        assert [path.name for job in plan.jobs for path in job.folder.rglob("*.partial*")] == []
    undisturbed = train_on_local_disk(finished, tmp_path, steps=60)
    assert all(same_evidence(histories[job.id], read_history(job.folder)) for job in undisturbed.jobs)


def train_on_local_disk(finished: Path, folder: Path, steps: int) -> Plan:
    """Train the trials of a tiny sweep below ``folder``, and return their plan."""
    storage = folder / "undisturbed"
    shutil.copytree(finished / "cache", storage / "cache")
    plan = declare_plan(storage, folder, steps=steps)
    assert run_pack(folders(plan), storage) == {}
    return plan


@pytest.mark.slow
def test_a_full_disk_fails_a_trial_without_patience_and_its_history_stays_readable(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, steps=4000)
    job = plan.jobs[0]
    with small_disk(job.folder / "history", "32k"):
        reason = run_pack([job.folder], prepared, Placement(storage_patience_s=0))[job.id]
        assert "No space left on device" in reason
        history = read_history(job.folder)
    assert list(history.step) == list(range(1, len(history.step) + 1))
    assert len(history.step) >= 50


VERBS = (b"GET ", b"PUT ", b"POST ", b"HEAD ", b"DELETE ")


class FlakyHandler(socketserver.BaseRequestHandler):
    """Passes bytes between a client and the object store, and drops some requests.

    For those it closes the connection instead of passing on the beginning of the request.
    """

    store = ("", 0)
    drop_share = 0.15
    random = random.Random(0)
    num_dropped = 0

    def handle(self) -> None:
        with socket.create_connection(self.store) as store:
            ends = {self.request: store, store: self.request}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    content = ready.recv(65536)
                    if not content:
                        return
                    if content.startswith(VERBS) and self.random.random() < self.drop_share:
                        type(self).num_dropped += 1
                        return
                    ends[ready].sendall(content)


class FlakyServer(socketserver.ThreadingTCPServer):
    daemon_threads = True
    request_queue_size = 128
    """Connections that may wait. With the default of 5, a busy machine would refuse many more requests than those meant to fail."""


@pytest.fixture(scope="module")
def flaky(object_store: str) -> str:
    """Return the address of a proxy that drops some requests.

    It runs until the interpreter ends.
    """
    host, port = urlsplit(object_store).netloc.split(":")
    FlakyHandler.store = (host, int(port))
    server = FlakyServer(("127.0.0.1", 0), FlakyHandler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def has_same_histories(storage: str, finished: Path) -> bool:
    (tiny,) = [stored for stored in read_sweeps(place(storage)) if stored.name == "tiny"]
    return len(tiny.trials) == 2 and all(
        same_evidence(read_history(trial.folder), read_history(finished / "tiny" / trial.id)) for trial in tiny.trials
    )


@pytest.mark.slow
def test_a_sweep_on_an_object_store_leaves_the_same_histories_in_immutable_parts(finished, bucket, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    assert sweep.main([space(tmp_path), "--local", "--storage-path", f"{bucket}/runs"]) == 0
    assert has_same_histories(f"{bucket}/runs", finished)
    assert f"{bucket}/runs/tiny" in capsys.readouterr().out
    assert sweep.main([space(tmp_path), "--local", "--storage-path", f"{bucket}/runs"]) == 0, "a second run must find nothing to do"
    assert list(place(f"{bucket}/runs/tiny").rglob("*.pkl")) == []


@pytest.mark.slow
def test_a_trial_on_an_object_store_resumes_from_its_parts(finished, bucket, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    storage = place(f"{bucket}/runs")
    for source in finished.glob("cache/*/*.*"):
        target = storage / "cache" / source.parent.name / source.name
        with target.filesystem.open_output_stream(target.key) as stream:
            stream.write(source.read_bytes())
    plan = declare_plan(storage, tmp_path, steps=40)
    train_and_stop(plan, storage, 23)
    names = [path.name for path in attempt_files(plan.jobs[0].folder)]
    assert names == ["part-1-00000.arrows", "part-1-00001.arrows"], "one for each checkpoint"
    assert run_pack(folders(plan), storage) == {}
    assert attempt_records(plan.jobs[0].folder)[-1]["from_step"] == 20
    undisturbed = train_on_local_disk(finished, tmp_path, steps=40)
    pairs = zip(plan.jobs, undisturbed.jobs, strict=True)
    assert all(same_evidence(read_history(job.folder), read_history(reference.folder)) for job, reference in pairs)


@pytest.mark.slow
def test_requests_that_an_object_store_drops_are_sent_again(finished, bucket, flaky, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", flaky)
    uri = f"{bucket}/runs?region=us-east-1"
    assert sweep.main([space(tmp_path), "--local", "--storage-path", uri]) == 0
    assert FlakyHandler.num_dropped >= 10
    assert has_same_histories(uri, finished)


def test_no_other_user_can_read_local_copies(monkeypatch, tmp_path):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    assert copies_folder().stat().st_mode & 0o077 == 0


def test_a_second_driver_on_an_object_store_reports_which_process_writes_the_sweep(bucket, tmp_path, capsys):
    plan = load_plan(space(tmp_path), place(f"{bucket}/runs"))
    with lock_folder(plan.folder, "sweep"):
        assert sweep.main([space(tmp_path), "--local", "--storage-path", f"{bucket}/runs"]) == 2
    assert "is being written by process " in capsys.readouterr().err
    with lock_folder(plan.folder, "sweep"):  # the lock was released, so nobody waits until it is stale
        pass


@pytest.fixture
def holder(bucket, monkeypatch):
    """Return a function that writes ``holder.json``, renewed at a time that lies ahead or behind, in seconds."""
    monkeypatch.setattr("raygroup.storage.locks._RENEW_S", 0.5)
    monkeypatch.setattr("raygroup.storage.locks._POLL_S", 0.1)
    folder = place(f"{bucket}/runs/tiny")

    def write(ahead_s):
        write_json(folder / "holder.json", {"token": "theirs", "by": "process 1 on node-1", "renewed": time.time() + ahead_s})
        return folder

    return write


@pytest.mark.parametrize("ahead_s", [365 * 86400, -300])
def test_a_holder_on_an_object_store_that_is_gone_is_replaced_whatever_its_clock_said(holder, ahead_s, capsys):
    folder = holder(ahead_s)
    with lock_folder(folder, "sweep"):
        assert read_json(folder / "holder.json")["token"] != "theirs"
    assert f"{folder}/holder.json says that another process works here" in capsys.readouterr().err


@pytest.mark.parametrize("ahead_s", [365 * 86400, -300])
def test_a_holder_that_renews_its_lock_is_alive_whatever_its_clock_says(holder, ahead_s, monkeypatch):
    folder = holder(ahead_s)
    monkeypatch.setattr("raygroup.storage.locks._RENEW_S", 60.0)  # the watch lasts until the holder is seen to be alive
    ended = threading.Event()

    def renew():
        while not ended.wait(0.05):
            holder(ahead_s)

    thread = threading.Thread(target=renew)
    thread.start()
    try:
        with pytest.raises(ConfigError, match=r"written by process 1 on node-1: .*delete .*/holder\.json"), lock_folder(folder, "sweep"):
            pass
    finally:
        ended.set()
        thread.join()


def test_a_damaged_holder_file_that_nobody_renews_holds_nothing(holder):
    folder = holder(0)
    write_bytes(folder / "holder.json", b"")
    with lock_folder(folder, "sweep"):
        pass
