"""Runs without Ray."""

import os
import subprocess
import sys

import pytest
import torch
from pack_sessions import declare_plan
from test_pack_queue import RecordingListener
from tiny_sweep import space

from raygroup import sweep
from raygroup.runtime import local
from raygroup.runtime.attempt import worker
from raygroup.runtime.local import run_packs
from raygroup.runtime.placement import ON_CPU, Placement, goes_first
from raygroup.runtime.planning.packs import JobPack
from raygroup.runtime.processes import WorkerPool
from raygroup.storage.sweeps import done_ids


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU, where CUDA fails")
def test_a_single_pack_on_a_gpu_has_a_process_of_its_own_and_is_tried_again_after_an_error_of_cuda(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path)
    listener = RecordingListener()
    with WorkerPool(1) as workers:
        failed = run_packs([JobPack(plan.jobs)], prepared, listener, workers, Placement("cuda", device_memory_gb=80))
    assert failed.keys() == {job.id for job in plan.jobs}
    assert all("CUDA" in reason and "4 attempts in a row" in reason for reason in failed.values())
    assert len(listener.messages) == 3


def test_one_trial_goes_first_if_more_trials_than_cores_run_at_once():
    assert goes_first("a", trials=5, cores=2) == "a"
    assert goes_first("a", trials=2, cores=2) is None
    assert goes_first("a", trials=50, cores=2) is None  # two at a time: the first two end early anyway


def test_all_trials_but_the_first_give_way(prepared, tmp_path, monkeypatch):
    plan = declare_plan(prepared, tmp_path)
    first, other = (JobPack((job,)) for job in plan.jobs[:2])
    events = []
    monkeypatch.setattr(local, "give_way", lambda: events.append("gave way"))
    monkeypatch.setattr("raygroup.runtime.attempt.worker.run_pack", lambda folders, *rest: events.append(folders[0].name) or {})
    for goes, packs in ((first.id, (first, other)), (None, (first, other))):
        for pack in packs:
            local._run_pack(pack, prepared, ON_CPU, goes)
    assert events == [first.id, "gave way", other.id, first.id, other.id]


def test_giving_way_lowers_the_priority_once():
    code = "import os; from raygroup.runtime.processes import give_way; give_way(); give_way(); print(os.getpriority(os.PRIO_PROCESS, 0))"
    lowered = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
    assert int(lowered) == min(os.getpriority(os.PRIO_PROCESS, 0) + 10, 19)


@pytest.fixture
def packs_trained_here(monkeypatch):
    """Return the number of trials of each pack that this process itself trains."""
    trained, run_pack = [], worker.run_pack

    def run_here(folders, storage, placement):
        trained.append((len(folders), placement.stall_timeout_s))
        return run_pack(folders, storage, placement)

    monkeypatch.setattr(worker, "run_pack", run_here)
    return trained


def test_a_single_trial_has_a_process_of_its_own_and_under_a_debugger_the_commands(prepared, tmp_path, packs_trained_here):
    one = space(tmp_path, name="one", grid="{}", steps=2)
    assert sweep.main([one, "--local", "--storage-path", str(prepared)]) == 0
    assert packs_trained_here == []
    tracer = sys.gettrace()
    sys.settrace(lambda frame, event, argument: None)
    try:
        debugged = space(tmp_path, name="debugged", grid="{}", steps=2)
        assert sweep.main([debugged, "--local", "--no-reuse", "--storage-path", str(prepared)]) == 0
    finally:
        sys.settrace(tracer)
    assert packs_trained_here == [(1, 0.0)]
    assert len(done_ids(prepared / "one")) == len(done_ids(prepared / "debugged")) == 1


@pytest.mark.slow
def test_a_single_trial_that_stalls_is_tried_four_times_and_then_fails(prepared, tmp_path, capfd):
    arguments = [space(tmp_path, name="stalls", grid="{}"), "--local", "--storage-path", str(prepared), "--stall-timeout", "0.001"]
    assert sweep.main(arguments) == 3
    printed = capfd.readouterr()
    assert printed.err.count("no step for 0.001 s (--stall-timeout)") == 4
    assert "its process ended with exit code 75; 4 attempts in a row ended without a new checkpoint" in printed.out
