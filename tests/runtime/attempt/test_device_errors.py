"""Errors of a GPU, which another process may not meet, and errors of trials."""

import pytest
import torch
from pack_sessions import declare_plan, folders

from raygroup.errors import DeviceMemoryError
from raygroup.runtime.attempt.worker import is_device_error, lacks_device_memory, run_pack
from raygroup.training.packs.pack import Pack

OUT_OF_MEMORY = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB."),
    RuntimeError("CUDA error: out of memory"),
    RuntimeError("CUDA error: CUBLAS_STATUS_ALLOC_FAILED when calling `cublasCreate(handle)`"),
    RuntimeError("cuDNN error: CUDNN_STATUS_ALLOC_FAILED"),
]
OTHER_DEVICE_ERRORS = [
    RuntimeError("CUDA error: an illegal memory access was encountered"),
    RuntimeError("cuDNN error: CUDNN_STATUS_EXECUTION_FAILED"),
]


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=str)
def test_too_little_device_memory_is_recognised_whoever_reports_it(error):
    assert lacks_device_memory(error)
    assert is_device_error(error)


@pytest.mark.parametrize("error", OTHER_DEVICE_ERRORS, ids=str)
def test_other_errors_of_a_gpu_are_errors_of_the_device(error):
    assert is_device_error(error)
    assert not lacks_device_memory(error)


def test_an_error_of_a_trial_is_no_error_of_a_device():
    assert not is_device_error(ValueError("step 3: the task loss is nan"))


def fail_with(error, monkeypatch):
    """Let every training step raise this error, as a GPU would."""

    def advance(pack):
        raise error

    monkeypatch.setattr(Pack, "advance", advance)


@pytest.mark.parametrize("error", OUT_OF_MEMORY, ids=str)
def test_a_pack_without_enough_device_memory_raises_and_marks_no_trial(error, prepared, tmp_path, monkeypatch):
    plan = declare_plan(prepared, tmp_path)
    fail_with(error, monkeypatch)
    with pytest.raises(DeviceMemoryError, match="too little device memory"):
        run_pack(folders(plan), prepared)
    assert not list(plan.folder.rglob("FAILED.json"))


@pytest.mark.parametrize("error", OTHER_DEVICE_ERRORS, ids=str)
def test_a_failed_gpu_raises_and_marks_no_trial(error, prepared, tmp_path, monkeypatch):
    plan = declare_plan(prepared, tmp_path)
    fail_with(error, monkeypatch)
    with pytest.raises(RuntimeError, match="CUDA error|cuDNN error"):
        run_pack(folders(plan), prepared)
    assert not list(plan.folder.rglob("FAILED.json"))
