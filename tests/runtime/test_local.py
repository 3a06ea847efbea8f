"""Runs without Ray."""

import pytest
import torch
from pack_sessions import declare_plan
from test_pack_queue import RecordingListener

from raygroup.runtime.local import run_packs
from raygroup.runtime.placement import Placement
from raygroup.runtime.planning.packs import JobPack


@pytest.mark.slow
@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU, where CUDA fails")
def test_a_single_pack_on_a_gpu_has_a_process_of_its_own_and_is_tried_again_after_an_error_of_cuda(prepared, tmp_path):
    plan = declare_plan(prepared, tmp_path)
    listener = RecordingListener()
    failed = run_packs([JobPack(plan.jobs)], prepared, listener, Placement("cuda", device_memory_gb=80))
    assert failed.keys() == {job.id for job in plan.jobs}
    assert all("CUDA" in reason and "4 attempts in a row" in reason for reason in failed.values())
    assert len(listener.messages) == 3
