"""Attempts at a trial that are taken over, cut off, damaged or stalled.

Whatever happens to them, no step is lost or counted twice.
"""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest
from test_packs import declare_plan, folders, session_of, train_and_stop
from tiny_sweep import space

from raygroup import sweep
from raygroup.errors import LeaseLostError, NodeDrainedError
from raygroup.history.reader import attempt_files, read_history, same_evidence
from raygroup.runtime.attempt import worker
from raygroup.runtime.attempt.interruption import Interruption
from raygroup.runtime.attempt.worker import run_pack
from raygroup.storage.checkpoint_index import listed_steps, sound_steps
from raygroup.storage.leases import attempt_records, take_lease


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory):
    """Return the histories of the trials of ``tiny`` over 40 steps, by id."""
    import shutil

    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(finished / "cache", folder / "runs" / "cache")
    plan = declare_plan(folder / "runs", folder, steps=40)
    assert run_pack(folders(plan), folder / "runs") == {}
    return {job.id: read_history(job.folder) for job in plan.jobs}


def agree(plan, undisturbed):
    return all(same_evidence(read_history(job.folder), undisturbed[job.id]) for job in plan.jobs)


def test_an_attempt_that_was_taken_over_writes_neither_checkpoint_nor_end(prepared, tmp_path, undisturbed):
    plan = declare_plan(prepared, tmp_path, steps=40)
    zombie = session_of(plan, prepared)
    ending = Interruption(plan.folder)
    for _ in range(15):
        worker.train_step(zombie, ending)
    assert run_pack(folders(plan), prepared) == {}
    done = {job.id: (job.folder / "DONE.json").read_bytes() for job in plan.jobs}
    for _ in range(4):
        worker.train_step(zombie, ending)
    with pytest.raises(LeaseLostError, match=r"attempt 1 at .* was taken over by attempt 2, process \d+ on "):
        worker.train_step(zombie, ending)
    assert {job.id: (job.folder / "DONE.json").read_bytes() for job in plan.jobs} == done
    assert not any((job.folder / "FAILED.json").exists() for job in plan.jobs)
    assert agree(plan, undisturbed)


def test_a_zombie_that_goes_on_recording_is_not_read_twice(prepared, tmp_path, undisturbed):
    plan = declare_plan(prepared, tmp_path, steps=40)
    zombie = session_of(plan, prepared)
    for _ in range(10):
        worker.train_step(zombie, Interruption(plan.folder))
    after = session_of(plan, prepared)
    for session, steps in ((after, 10), (zombie, 9), (after, 19)):
        for _ in range(steps):
            worker.train_step(session, Interruption(plan.folder))
    for attempt in (*zombie.attempts, *after.attempts):
        attempt.close()
    assert run_pack(folders(plan), prepared) == {}
    assert [entry["from_step"] for entry in attempt_records(plan.jobs[0].folder)] == [0, 10, 30]
    assert agree(plan, undisturbed)


@pytest.mark.parametrize("damage", ["flipped", "cut short", "gone"])
def test_a_history_damaged_below_a_checkpoint_goes_on_from_the_checkpoint_before(damage, prepared, tmp_path, undisturbed):
    plan = declare_plan(prepared, tmp_path, steps=40)
    train_and_stop(plan, prepared, 25)
    path = attempt_files(plan.jobs[0].folder)[0]
    content = path.read_bytes()
    listed = json.loads((plan.jobs[0].folder / "checkpoints" / "state.json").read_text())["checkpoints"]
    middle = sum(entry["history"][path.name][0] for entry in listed) // 2
    changed = {"flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], "cut short": content[:middle]}
    path.unlink() if damage == "gone" else path.write_bytes(changed[damage])
    assert sound_steps(plan.jobs[0].folder) == (set() if damage == "gone" else {10})
    assert run_pack(folders(plan), prepared) == {}
    assert agree(plan, undisturbed)


def test_where_every_checkpoint_is_damaged_the_trial_begins_anew(prepared, tmp_path, undisturbed):
    plan = declare_plan(prepared, tmp_path, steps=40)
    train_and_stop(plan, prepared, 25)
    for path in plan.folder.glob("*/checkpoints/*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    assert run_pack(folders(plan), prepared) == {}
    assert attempt_records(plan.jobs[0].folder)[-1]["from_step"] == 0
    assert agree(plan, undisturbed)


def test_a_node_that_is_about_to_go_leaves_a_checkpoint_of_the_step_it_reached(prepared, tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr("raygroup.runtime.attempt.interruption._CHECK_EVERY_S", 0.0)
    plan = declare_plan(prepared, tmp_path, steps=400, name="long", grid='{"grouping.base_coefficient": (0.0,)}')
    with pytest.raises(NodeDrainedError, match="spot notice"):
        run_pack(folders(plan), prepared, drain_reason=lambda: "spot notice")
    assert 0 < listed_steps(plan.jobs[0].folder)[-1] == read_history(plan.jobs[0].folder).step[-1] < 400


def test_a_request_to_stop_ends_at_a_checkpoint_and_running_the_sweep_again_goes_on(prepared, tmp_path, monkeypatch, undisturbed):
    monkeypatch.setattr("raygroup.runtime.attempt.interruption._CHECK_EVERY_S", 0.0)
    plan = declare_plan(prepared, tmp_path, steps=40)
    (plan.folder / "STOP.json").write_text(json.dumps({"layout": 1}))
    assert run_pack(folders(plan), prepared) == {}
    assert not any(job.done for job in plan.jobs)
    assert listed_steps(plan.jobs[0].folder) == (10,)
    assert sweep.main([space(tmp_path, steps=40), "--local", "--storage-path", str(prepared)]) == 0
    assert agree(plan, undisturbed)


HUNG = """
import sys, time
from pathlib import Path
import torch.distributed as distributed
from raygroup.runtime.placement import Placement
from raygroup.runtime.attempt.worker_group import WorkerGroup
from raygroup.runtime.attempt.worker import run_pack
from raygroup.training.packs.sharding import Shard
rank, rendezvous, storage, *trials = sys.argv[1:]
distributed.init_process_group("gloo", init_method=rendezvous, rank=int(rank), world_size=2)
if int(rank):
    time.sleep(300)
run_pack([Path(trial) for trial in trials], Path(storage), Placement(stall_timeout_s=4.0), group=WorkerGroup(Shard(0, 2)))
"""


@pytest.mark.slow
def test_a_hung_collective_ends_the_worker_with_its_stacks_written_down(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, steps=40)
    arguments = [f"file://{tmp_path / 'rendezvous'}", str(prepared), *map(str, folders(plan))]
    other, stalled = (
        subprocess.Popen([sys.executable, "-c", HUNG, rank, *arguments], stderr=subprocess.PIPE, text=True) for rank in ("1", "0")
    )
    _, stderr = stalled.communicate(timeout=200)
    other.kill()
    other.communicate()
    assert stalled.returncode == 75
    assert "no step for 4 s (--stall-timeout): this attempt ends; stacks in " in stderr
    dump = next(plan.jobs[0].folder.glob("stalled-*.txt")).read_text()
    assert "broadcast" in dump
    assert "worker_group.py" in dump


def test_two_who_take_a_trial_at_the_same_time_get_different_attempts(tmp_path):
    first, second = take_lease(tmp_path / "trial"), take_lease(tmp_path / "trial")
    assert (first.attempt, second.attempt) == (1, 2)
    with second.guard():
        pass
    with pytest.raises(LeaseLostError), first.guard():
        pass
    assert [entry["by"].split()[1] for entry in attempt_records(tmp_path / "trial")] == [str(os.getpid())] * 2


def test_a_lease_file_of_another_time_keeps_its_attempts_apart_from_streams_that_lie_there(tmp_path: Path):
    (tmp_path / "trial" / "history").mkdir(parents=True)
    (tmp_path / "trial" / "history" / "attempt-7.arrows").write_bytes(b"")
    assert take_lease(tmp_path / "trial").attempt == 8
