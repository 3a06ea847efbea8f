"""Attempts at a trial that are taken over, cut off, damaged or stalled.

Whatever happens to them, no step is lost or counted twice.
"""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from pack_sessions import close, declare_plan, folders, open_pack, train_and_stop, train_steps
from sweep_process import DEADLINE_S
from tiny_sweep import space

from raygroup import sweep
from raygroup.errors import LeaseLostError, NodeDrainedError
from raygroup.history.reader import attempt_files, read_history, same_evidence
from raygroup.runtime.attempt.worker import run_pack
from raygroup.storage.checkpoint_index import listed_steps, sound_steps
from raygroup.storage.leases import attempt_records, take_lease


@pytest.fixture(scope="module")
def undisturbed(finished, tmp_path_factory):
    """Return the histories of the trials of ``tiny`` over 40 steps, by id."""
    folder = tmp_path_factory.mktemp("undisturbed")
    shutil.copytree(finished / "cache", folder / "runs" / "cache")
    plan = declare_plan(folder / "runs", folder, steps=40)
    assert run_pack(folders(plan), folder / "runs") == {}
    return {job.id: read_history(job.folder) for job in plan.jobs}


def agree(plan, undisturbed):
    return all(same_evidence(read_history(job.folder), undisturbed[job.id]) for job in plan.jobs)


def test_an_attempt_that_was_taken_over_writes_no_checkpoint_and_no_result(prepared, tmp_path, undisturbed):
    plan = declare_plan(prepared, tmp_path, steps=40)
    old_session = open_pack(plan, prepared)
    train_steps(old_session, plan, 15)
    assert run_pack(folders(plan), prepared) == {}
    results = {job.id: (job.folder / "DONE.json").read_bytes() for job in plan.jobs}
    train_steps(old_session, plan, 4)
    with pytest.raises(LeaseLostError, match=r"attempt 1 at .* was taken over by attempt 2, process \d+ on "):
        train_steps(old_session, plan, 1)
    assert {job.id: (job.folder / "DONE.json").read_bytes() for job in plan.jobs} == results
    assert not any((job.folder / "FAILED.json").exists() for job in plan.jobs)
    assert agree(plan, undisturbed)


def test_records_of_an_attempt_after_it_was_taken_over_are_not_read(prepared, tmp_path, undisturbed):
    plan = declare_plan(prepared, tmp_path, steps=40)
    old_session = open_pack(plan, prepared)
    train_steps(old_session, plan, 10)
    new_session = open_pack(plan, prepared)
    train_steps(new_session, plan, 10)
    train_steps(old_session, plan, 9)
    train_steps(new_session, plan, 19)
    close(old_session, new_session)
    assert run_pack(folders(plan), prepared) == {}
    assert [entry["from_step"] for entry in attempt_records(plan.jobs[0].folder)] == [0, 10, 30]
    assert agree(plan, undisturbed)


def test_an_attempt_records_the_steps_that_it_trains_again(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, steps=40)
    session = open_pack(plan, prepared)
    train_steps(session, plan, 10)
    close(session)
    reported = {"layout": 1, "step": 17, "steps": 40, "at": 1.8e9}
    (plan.jobs[0].folder / "progress.json").write_text(json.dumps(reported))
    close(open_pack(plan, prepared))
    assert [(entry["from_step"], entry["lost_steps"]) for entry in attempt_records(plan.jobs[0].folder)] == [(0, 0), (10, 7)]


@pytest.mark.parametrize("damage", ["flipped", *(pytest.param(each, marks=pytest.mark.slow) for each in ("cut short", "gone"))])
def test_after_damage_to_a_history_the_trial_resumes_from_a_checkpoint_before_the_damage(damage, prepared, tmp_path, undisturbed):
    plan = declare_plan(prepared, tmp_path, steps=40)
    train_and_stop(plan, prepared, 25)
    path = attempt_files(plan.jobs[0].folder)[0]
    content = path.read_bytes()
    checkpoints = json.loads((plan.jobs[0].folder / "checkpoints" / "state.json").read_text())["checkpoints"]
    # The damage lies between the bytes of the history at step 10 and those at step 20.
    middle = sum(entry["history"][path.name][0] for entry in checkpoints) // 2
    changed = {"flipped": content[:middle] + bytes([content[middle] ^ 1]) + content[middle + 1 :], "cut short": content[:middle]}
    path.unlink() if damage == "gone" else path.write_bytes(changed[damage])
    assert sound_steps(plan.jobs[0].folder) == (set() if damage == "gone" else {10})
    assert run_pack(folders(plan), prepared) == {}
    assert agree(plan, undisturbed)


def test_a_trial_starts_again_if_all_of_its_checkpoints_are_damaged(prepared, tmp_path, undisturbed):
    plan = declare_plan(prepared, tmp_path, steps=40)
    train_and_stop(plan, prepared, 25)
    for path in plan.folder.glob("*/checkpoints/*.safetensors"):
        path.write_bytes(path.read_bytes()[:-1])
    assert run_pack(folders(plan), prepared) == {}
    assert attempt_records(plan.jobs[0].folder)[-1]["from_step"] == 0
    assert agree(plan, undisturbed)


def test_before_its_node_goes_a_trial_writes_a_checkpoint_of_its_last_step(prepared, tmp_path, undisturbed, monkeypatch):
    monkeypatch.setattr("raygroup.runtime.attempt.interruption._CHECK_EVERY_S", 0.0)
    plan = declare_plan(prepared, tmp_path, steps=400, name="long", grid='{"grouping.base_coefficient": (0.0,)}')
    with pytest.raises(NodeDrainedError, match="spot notice"):
        run_pack(folders(plan), prepared, drain_reason=lambda: "spot notice")
    assert 0 < listed_steps(plan.jobs[0].folder)[-1] == read_history(plan.jobs[0].folder).step[-1] < 400


def test_a_request_to_stop_ends_trials_at_a_checkpoint_and_the_same_command_continues(prepared, tmp_path, monkeypatch, undisturbed):
    monkeypatch.setattr("raygroup.runtime.attempt.interruption._CHECK_EVERY_S", 0.0)
    plan = declare_plan(prepared, tmp_path, steps=40)
    (plan.folder / "STOP.json").write_text(json.dumps({"layout": 1}))
    assert run_pack(folders(plan), prepared) == {}
    assert not any(job.done for job in plan.jobs)
    assert listed_steps(plan.jobs[0].folder) == (10,)
    assert sweep.main([space(tmp_path, steps=40), "--local", "--storage-path", str(prepared)]) == 0
    assert agree(plan, undisturbed)


STALL_TIMEOUT_S = 10
HUNG = f"""
import sys, time
from pathlib import Path
import torch.distributed as distributed
from raygroup.runtime.placement import Placement
from raygroup.runtime.attempt.worker_group import WorkerGroup
from raygroup.runtime.attempt.worker import run_pack
from raygroup.training.packs.sharding import WorkerRank
rank, rendezvous, storage, *trials = sys.argv[1:]
distributed.init_process_group("gloo", init_method=rendezvous, rank=int(rank), world_size=2)
if int(rank):
    time.sleep({DEADLINE_S})
placement, group = Placement(stall_timeout_s={STALL_TIMEOUT_S}), WorkerGroup(WorkerRank(0, 2))
run_pack([Path(trial) for trial in trials], Path(storage), placement, group=group)
"""
"""A worker of two. Rank 1 never takes part, so rank 0 waits for it in its first broadcast."""


@pytest.mark.slow
def test_a_worker_in_a_hung_collective_stores_its_stacks_and_ends(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path, steps=40)
    arguments = [f"file://{tmp_path / 'rendezvous'}", str(prepared), *map(str, folders(plan))]
    silent, stalled = (
        subprocess.Popen([sys.executable, "-c", HUNG, rank, *arguments], stderr=subprocess.PIPE, text=True) for rank in ("1", "0")
    )
    try:
        _, stderr = stalled.communicate(timeout=DEADLINE_S)
    finally:
        for process in (silent, stalled):
            process.kill()
            process.communicate()
    assert stalled.returncode == 75
    assert f"no step for {STALL_TIMEOUT_S} s (--stall-timeout): this attempt ends; stacks in " in stderr
    stacks = next(plan.jobs[0].folder.glob("stalled-*.txt")).read_text()
    assert "broadcast" in stacks
    assert "worker_group.py" in stacks


def test_two_processes_that_take_a_trial_get_different_attempts(tmp_path):
    first, second = take_lease(tmp_path / "trial"), take_lease(tmp_path / "trial")
    assert (first.attempt, second.attempt) == (1, 2)
    with second.guard():
        pass
    with pytest.raises(LeaseLostError), first.guard():
        pass
    assert [entry["by"].split()[1] for entry in attempt_records(tmp_path / "trial")] == [str(os.getpid())] * 2


def test_without_a_lease_file_an_attempt_takes_a_number_that_no_history_has(tmp_path: Path):
    (tmp_path / "trial" / "history").mkdir(parents=True)
    (tmp_path / "trial" / "history" / "attempt-7.arrows").write_bytes(b"")
    assert take_lease(tmp_path / "trial").attempt == 8
