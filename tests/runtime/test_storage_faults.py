"""Storage that fills up, fails now and then, or is an object store.

Trials wait for it, and end with the results they always have.
"""

import contextlib
import random
import select
import shutil
import socket
import socketserver
import subprocess
import threading
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from test_packs import declare_plan, folders, train_and_stop
from tiny_sweep import space

from raygroup import sweep
from raygroup.files.local_copies import copies_folder
from raygroup.files.places import place
from raygroup.history.reader import attempt_files, read_history, same_evidence
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.placement import Placement
from raygroup.runtime.planning.plan import load_plan
from raygroup.storage.leases import attempt_records
from raygroup.storage.sweeps import read_sweeps


@contextlib.contextmanager
def small_disk(folder: Path, size: str) -> Iterator[None]:
    """A file system of this size in the folder's place."""
    folder.mkdir(parents=True)
    if subprocess.run(["mount", "-t", "tmpfs", "-o", f"size={size}", "tmpfs", str(folder)], capture_output=True, check=False).returncode:
        pytest.skip("needs the right to mount a small file system")
    try:
        yield
    finally:
        subprocess.run(["umount", "-l", str(folder)], check=True)


def test_a_disk_that_fills_and_is_enlarged_costs_nothing_but_time(finished, tmp_path, capfd):
    storage = tmp_path / "runs"
    with small_disk(storage, "64m"):
        shutil.copytree(finished / "cache", storage / "cache")
        plan = declare_plan(storage, tmp_path, steps=60)
        used = int(subprocess.run(["du", "-sk", str(storage)], capture_output=True, text=True, check=True).stdout.split()[0])
        resized = ["mount", "-o", "remount,size={}k", str(storage)]
        subprocess.run([part.format(used + 1000) for part in resized], check=True)
        enlarging = threading.Timer(4, lambda: subprocess.run([part.format(64_000) for part in resized], check=True))
        enlarging.start()
        assert run_pack(folders(plan), storage, Placement(storage_patience_s=60)) == {}
        enlarging.join()
        histories = {job.id: read_history(job.folder) for job in plan.jobs}
        assert [path.name for job in plan.jobs for path in job.folder.rglob("*.partial*")] == []
    assert "No space left on device" in capfd.readouterr().err, "the disk was never full"
    other = tmp_path / "other"
    shutil.copytree(finished / "cache", other / "cache")
    undisturbed = declare_plan(other, tmp_path, steps=60)
    assert run_pack(folders(undisturbed), other) == {}
    assert all(same_evidence(histories[job.id], read_history(job.folder)) for job in undisturbed.jobs)


VERBS = (b"GET ", b"PUT ", b"POST ", b"HEAD ", b"DELETE ")


class Flaky(socketserver.BaseRequestHandler):
    """A proxy of the object store that drops some requests.

    Now and then it closes the connection instead of passing on the beginning of a request.
    """

    store = ("", 0)
    share = 0.15
    dice = random.Random(0)
    failed = 0

    def handle(self) -> None:
        with socket.create_connection(self.store) as store:
            ends = {self.request: store, store: self.request}
            while True:
                for ready in select.select(list(ends), [], [])[0]:
                    content = ready.recv(65536)
                    if not content:
                        return
                    if content.startswith(VERBS) and self.dice.random() < self.share:
                        type(self).failed += 1
                        return
                    ends[ready].sendall(content)


@pytest.fixture(scope="module")
def flaky(object_store: str) -> str:
    """Return the address of a proxy that drops some requests.

    It runs until the interpreter ends.
    """
    host, port = urlsplit(object_store).netloc.split(":")
    Flaky.store = (host, int(port))
    server = socketserver.ThreadingTCPServer(("127.0.0.1", 0), Flaky)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    return f"http://127.0.0.1:{server.server_address[1]}"


def evidence_equal(storage: str, finished: Path) -> bool:
    (stored,) = [each for each in read_sweeps(place(storage)) if each.name == "tiny"]
    return len(stored.trials) == 2 and all(
        same_evidence(read_history(trial.folder), read_history(finished / "tiny" / trial.id)) for trial in stored.trials
    )


def test_a_sweep_on_an_object_store_leaves_the_same_histories_in_immutable_parts(finished, bucket, tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    assert sweep.main([space(tmp_path), "--local", "--storage-path", f"{bucket}/runs"]) == 0
    assert evidence_equal(f"{bucket}/runs", finished)
    assert f"{bucket}/runs/tiny" in capsys.readouterr().out
    assert sweep.main([space(tmp_path), "--local", "--storage-path", f"{bucket}/runs"]) == 0, "run again: nothing left to do"
    assert list(place(f"{bucket}/runs/tiny").rglob("*.pkl")) == []


def test_a_trial_on_an_object_store_goes_on_from_its_parts(finished, bucket, tmp_path, monkeypatch):
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
    local = tmp_path / "local"
    shutil.copytree(finished / "cache", local / "cache")
    undisturbed = declare_plan(local, tmp_path, steps=40)
    assert run_pack(folders(undisturbed), local) == {}
    assert all(same_evidence(read_history(a.folder), read_history(b.folder)) for a, b in zip(plan.jobs, undisturbed.jobs, strict=True))


@pytest.mark.slow
def test_an_object_store_that_fails_now_and_then_is_tried_again(finished, bucket, flaky, tmp_path, monkeypatch):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    monkeypatch.setenv("AWS_ENDPOINT_URL", flaky)
    uri = f"{bucket}/runs?region=us-east-1"
    assert sweep.main([space(tmp_path), "--local", "--storage-path", uri]) == 0
    assert Flaky.failed >= 10
    assert evidence_equal(uri, finished)


def test_copies_of_immutable_files_are_this_users_alone(monkeypatch, tmp_path):
    monkeypatch.setenv("RAYGROUP_COPIES", str(tmp_path / "copies"))
    assert copies_folder().stat().st_mode & 0o077 == 0


def test_a_second_driver_on_an_object_store_is_told_who_holds_the_sweep(bucket, tmp_path, capsys):
    from raygroup.storage.locks import lock_folder

    plan = load_plan(space(tmp_path), place(f"{bucket}/runs"))
    with lock_folder(plan.folder, "sweep"):
        assert sweep.main([space(tmp_path), "--local", "--storage-path", f"{bucket}/runs"]) == 2
    assert "is being written by process " in capsys.readouterr().err
    with lock_folder(plan.folder, "sweep"):  # given back, so that nobody waits for it to grow stale
        pass
