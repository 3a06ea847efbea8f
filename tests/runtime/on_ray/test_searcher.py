"""Reasons that Ray's error texts give for a pack whose process ended."""

import pytest

from raygroup.errors import DeviceMemoryError
from raygroup.runtime.on_ray.searcher import failure_reason

RAISED = """Failure # 1 (occurred at 2026-11-28_17-52-43)
ray::ResourceTrainable.train() (pid=12974, ip=192.0.2.2, actor_id=a96ce10b36a4, repr=<ray.tune.trainable.util.Pack object>)
           ^^^^^^^^^^^
  File "/opt/venv/lib/python3.11/site-packages/ray/tune/trainable/trainable.py", line 326, in train
    result = self.step()
             ^^^^^^^^^^^
"""
KILLED = """Failure # 1 (occurred at 2026-11-28_17-52-44)
The actor died unexpectedly before finishing this task.
	class_name: with_resources.<locals>.ResourceTrainable
	pid: 12973
The actor is dead because its worker process has died. Worker exit type: SYSTEM_ERROR Worker exit detail: Worker unexpectedly exits
"""  # noqa: E101


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (RAISED + "RuntimeError: CUDA error: an illegal memory access\n", "RuntimeError: CUDA error: an illegal memory access"),
        (KILLED, "its process was killed"),
        ("", "its process was killed"),
    ],
)
def test_a_raised_error_is_named_and_a_dead_process_is_called_killed(text, reason):
    assert failure_reason(text) == reason


def test_too_little_device_memory_is_recognised_wherever_it_stands_in_the_text():
    line = f"raygroup.errors.DeviceMemoryError: {DeviceMemoryError('CUDA out of memory')}"
    assert failure_reason(f"{RAISED}{line}\nray.train.WorkerGroupError: one of 2 workers failed\n") == line


def test_a_long_message_is_cut():
    assert len(failure_reason(RAISED + "ValueError: " + "word " * 1000)) <= 300
