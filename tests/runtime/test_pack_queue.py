"""The queue of packs, and packs whose process broke.

They are tried again while they advance, in halves if memory was short. Otherwise they fail.
"""

import json

import pytest
from pack_sessions import declare_plan, train_and_stop

from raygroup.errors import DeviceMemoryError
from raygroup.runtime.attempt.worker import run_pack
from raygroup.runtime.pack_queue import MAX_FRUITLESS_ATTEMPTS, PackQueue
from raygroup.runtime.planning.packs import JobPack


class RecordingListener:
    """Keeps the messages of a run, and the ids of its running trials."""

    def __init__(self):
        self.messages = []
        self.running = []

    def on_start(self, ids):
        self.running += ids

    def on_end(self, ids):
        self.running = [job_id for job_id in self.running if job_id not in ids]

    def on_message(self, text):
        self.messages.append(text)

    def on_more(self, jobs):
        self.more = [*getattr(self, "more", []), *jobs]


@pytest.fixture
def listener():
    return RecordingListener()


def make_queue(plan, storage, listener, size=1):
    packs = [JobPack(plan.jobs[start : start + size]) for start in range(0, len(plan.jobs), size)]
    return PackQueue(packs, storage, listener)


def test_a_trial_fails_after_four_attempts_in_a_row_without_a_new_checkpoint(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path, steps=40)
    queue = make_queue(plan, prepared, listener)
    for _ in range(1 + MAX_FRUITLESS_ATTEMPTS):
        queue.retry(queue.next(), "its process ended by SIGKILL")
    job = plan.jobs[0]
    assert queue.failed == {job.id: "its process ended by SIGKILL; 4 attempts in a row ended without a new checkpoint"}
    assert json.loads((job.folder / "FAILED.json").read_text())["reason"] == queue.failed[job.id]
    assert queue.next().jobs == (plan.jobs[1],), "the other trial must continue"


def test_attempts_with_a_new_checkpoint_are_never_counted(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path, steps=200, grid='{"grouping.base_coefficient": (0.0,)}')
    queue = make_queue(plan, prepared, listener)
    for attempt in range(1, 8):
        pack = queue.next()
        train_and_stop(plan, prepared, 10)
        queue.retry(pack, "its process ended by SIGKILL")
        assert listener.messages[-1].endswith(f"going on from step {10 * attempt}")
    assert queue.failed == {}


def test_a_pack_that_does_not_fit_into_a_devices_memory_is_tried_in_halves(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path, seeds="(0, 1)")
    queue = make_queue(plan, prepared, listener, size=4)
    queue.retry(queue.next(), f"raygroup.errors.DeviceMemoryError: {DeviceMemoryError('CUDA out of memory')}")
    assert [queue.next().jobs, queue.next().jobs] == [plan.jobs[:2], plan.jobs[2:]]
    assert queue.failed == {}


def test_a_trial_that_failed_keeps_its_reason_if_its_process_breaks_later(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path)
    queue = make_queue(plan, prepared, listener, size=2)
    pack = queue.next()
    (plan.jobs[0].folder / "FAILED.json").write_text(json.dumps({"layout": 1, "reason": "step 3: the task loss is nan", "step": 2}))
    queue.retry(pack, "its process ended by SIGKILL")
    assert queue.failed == {plan.jobs[0].id: "step 3: the task loss is nan"}
    assert queue.next().jobs == plan.jobs[1:]


def test_a_trial_that_was_done_before_its_process_broke_is_not_run_again(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path)
    queue = make_queue(plan, prepared, listener, size=2)
    pack = queue.next()
    assert run_pack([plan.jobs[0].folder], prepared) == {}
    queue.retry(pack, "its process ended by SIGKILL")
    assert queue.next().jobs == plan.jobs[1:]
    (plan.jobs[1].folder / "DONE.json").write_text("{}")
    queue.end(JobPack(plan.jobs[1:]), {})
    assert queue.over
    assert listener.running == []


def test_a_failed_trial_is_handed_out_again_if_a_user_retries_it(prepared, tmp_path, listener, monkeypatch):
    monkeypatch.setattr("raygroup.runtime.pack_queue._CHECK_EVERY_S", 0.0)
    plan = declare_plan(prepared, tmp_path)
    queue = make_queue(plan, prepared, listener)
    first, second = queue.next(), queue.next()
    queue.end(first, {plan.jobs[0].id: "a bad disk"})
    (plan.jobs[0].folder / "FAILED.json").write_text(json.dumps({"layout": 1, "reason": "a bad disk", "step": 0}))
    assert queue.next() is None
    (plan.jobs[0].folder / "FAILED.json").unlink()
    assert queue.next().jobs == first.jobs
    assert queue.failed == {}
    queue.end(second, {})


def test_after_a_request_to_stop_no_pack_is_handed_out(prepared, tmp_path, listener, monkeypatch):
    monkeypatch.setattr("raygroup.runtime.pack_queue._CHECK_EVERY_S", 0.0)
    plan = declare_plan(prepared, tmp_path)
    queue = make_queue(plan, prepared, listener)
    pack = queue.next()
    (plan.folder / "STOP.json").write_text(json.dumps({"layout": 1}))
    assert queue.next() is None
    assert not queue.over
    queue.end(pack, {})
    assert queue.over


def test_a_trial_that_left_its_pack_without_an_outcome_is_tried_again(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path)
    queue = make_queue(plan, prepared, listener, size=2)
    (plan.jobs[0].folder / "DONE.json").write_text("{}")
    queue.end(queue.next(), {})
    assert listener.running == []
    assert "lease.json was taken over, removed or damaged; going on from step 0" in listener.messages[-1]
    assert queue.next().jobs == (plan.jobs[1],)


def test_a_trial_that_was_stopped_on_request_is_not_tried_again(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path)
    queue = make_queue(plan, prepared, listener, size=2)
    pack = queue.next()
    (plan.folder / "STOP.json").write_text("{}")
    queue.end(pack, {})
    assert queue.over
    assert listener.messages == []


class ListedPacks:
    """A PackSource that hands out listed packs, one at a time, and keeps what it hears of them."""

    def __init__(self, packs):
        self.packs = list(packs)
        self.sweep_folder = packs[0].jobs[0].folder.parent
        self.ended = []
        self.is_busy = False

    @property
    def over(self):
        return not self.packs

    def next(self):
        if self.is_busy or not self.packs:
            return None
        self.is_busy = True
        return self.packs.pop(0)

    def end(self, ids, failed):
        self.ended += [(job_id, failed.get(job_id)) for job_id in ids]
        self.is_busy = self.is_busy and not ids


def test_a_source_has_its_say_before_the_next_pack_and_hears_only_of_trials_that_ended(prepared, tmp_path, listener):
    plan = declare_plan(prepared, tmp_path, steps=2)
    source = ListedPacks([JobPack((job,)) for job in plan.jobs])
    queue = PackQueue([], prepared, listener, source=source)
    first = queue.next()
    assert queue.next() is None
    assert not queue.over
    queue.retry(first, "its process ended by SIGKILL")
    assert source.ended == []
    again = queue.next()
    assert again.jobs == first.jobs
    queue.end(again, run_pack([job.folder for job in again.jobs], prepared))
    assert source.ended == [(first.jobs[0].id, None)]
    second = queue.next()
    queue.end(second, {second.jobs[0].id: "a loss is not finite"})
    assert source.ended[1] == (second.jobs[0].id, "a loss is not finite")
    assert queue.over
