"""Packs whose process broke.

They are tried again while they advance, in halves if memory was short, and given up with a reason.
"""

import json

import pytest
from test_packs import declare_plan, train_and_stop

from raygroup.errors import DeviceMemoryError
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.pack_queue import MAX_FRUITLESS_ATTEMPTS, PackQueue
from raygroup.runtime.planning.packs import JobPack


class RecordingListener:
    """A listener that keeps its events."""

    def __init__(self):
        self.texts, self.running = [], []

    def on_start(self, ids):
        self.running += ids

    def on_end(self, ids):
        self.running = [job for job in self.running if job not in ids]

    def on_message(self, text):
        self.texts.append(text)


@pytest.fixture
def listener():
    return RecordingListener()


def queue_of(plan, storage, listener, size=1):
    packs = [JobPack(plan.jobs[start : start + size]) for start in range(0, len(plan.jobs), size)]
    return PackQueue(packs, storage, listener)


def test_attempts_without_a_new_checkpoint_are_counted_and_the_last_one_fails_the_trial_with_its_reason(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path, steps=40)
    queue = queue_of(plan, prepared, listener)
    for _ in range(1 + MAX_FRUITLESS_ATTEMPTS):
        queue.retry(queue.next(), "its process ended by SIGKILL")
    job = plan.jobs[0]
    assert queue.failed == {job.id: "its process ended by SIGKILL; 4 attempts in a row ended without a new checkpoint"}
    assert json.loads((job.folder / "FAILED.json").read_text())["reason"] == queue.failed[job.id]
    assert queue.next().jobs == (plan.jobs[1],), "the rest goes on"


def test_an_attempt_that_brought_a_checkpoint_costs_nothing(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path, steps=200, grid='{"grouping.base_coefficient": (0.0,)}')
    queue = queue_of(plan, prepared, listener)
    for attempt in range(1, 8):
        pack = queue.next()
        train_and_stop(plan, prepared, 10)
        queue.retry(pack, "its process ended by SIGKILL")
        assert listener.texts[-1].endswith(f"going on from step {10 * attempt}")
    assert queue.failed == {}


def test_a_pack_that_a_device_has_too_little_memory_for_is_tried_in_halves(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path, seeds="(0, 1)")
    queue = queue_of(plan, prepared, listener, size=4)
    queue.retry(queue.next(), f"raygroup.errors.DeviceMemoryError: {DeviceMemoryError('CUDA out of memory')}")
    assert [queue.next().jobs, queue.next().jobs] == [plan.jobs[:2], plan.jobs[2:]]
    assert queue.failed == {}


def test_a_trial_that_failed_by_itself_keeps_its_own_reason_when_its_process_breaks_later(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path)
    queue = queue_of(plan, prepared, listener, size=2)
    pack = queue.next()
    (plan.jobs[0].folder / "FAILED.json").write_text(json.dumps({"layout": 1, "reason": "step 3: the task loss is nan", "step": 2}))
    queue.retry(pack, "its process ended by SIGKILL")
    assert queue.failed == {plan.jobs[0].id: "step 3: the task loss is nan"}
    assert queue.next().jobs == plan.jobs[1:]


def test_a_trial_that_was_done_before_its_process_broke_never_runs_again(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path)
    queue = queue_of(plan, prepared, listener, size=2)
    pack = queue.next()
    assert run_pack([plan.jobs[0].folder], prepared) == {}
    queue.retry(pack, "its process ended by SIGKILL")
    assert queue.next().jobs == plan.jobs[1:]
    queue.end(JobPack(plan.jobs[1:]), {})
    assert queue.over
    assert listener.running == []


def test_a_failed_trial_that_somebody_asks_for_again_is_handed_out_again(prepared, tmp_path, listener, monkeypatch):
    monkeypatch.setattr("raygroup.runtime.pack_queue._CHECK_EVERY_S", 0.0)
    plan = declare_plan(prepared, tmp_path)
    queue = queue_of(plan, prepared, listener)
    first, second = queue.next(), queue.next()
    queue.end(first, {plan.jobs[0].id: "a bad disk"})
    (plan.jobs[0].folder / "FAILED.json").write_text(json.dumps({"layout": 1, "reason": "a bad disk", "step": 0}))
    assert queue.next() is None
    (plan.jobs[0].folder / "FAILED.json").unlink()
    assert queue.next().jobs == first.jobs
    assert queue.failed == {}
    queue.end(second, {})


def test_nothing_is_handed_out_once_somebody_asked_to_stop(prepared, tmp_path, listener, monkeypatch):
    monkeypatch.setattr("raygroup.runtime.pack_queue._CHECK_EVERY_S", 0.0)
    plan = declare_plan(prepared, tmp_path)
    queue = queue_of(plan, prepared, listener)
    pack = queue.next()
    (plan.folder / "STOP.json").write_text(json.dumps({"layout": 1}))
    assert queue.next() is None
    assert not queue.over
    queue.end(pack, {})
    assert queue.over
