"""Run the sweep command in a process of its own, and wait for its states.

Waiting ends when a state is reached, so that a busy machine only makes a test slower.
"""

import contextlib
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

from raygroup.storage.leases import attempt_records

DEADLINE_S = 400.0
"""A state that is not reached in this time will never be reached."""


@contextlib.contextmanager
def start_command(module: str, arguments: Sequence[str]) -> "Iterator[subprocess.Popen[str]]":
    """Yield a process that runs ``python -m module``, in a session of its own.

    At the end of the block it is killed if it still runs.
    """
    command = [sys.executable, "-m", module, *arguments]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)
    with process:
        try:
            yield process
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)


def wait_until(reached: Callable[[], object], process: "subprocess.Popen[str] | None" = None) -> None:
    """Wait until a state is reached. It fails if the process ends before that."""
    deadline = time.monotonic() + DEADLINE_S
    while not reached():
        assert process is None or process.poll() is None, process.communicate()[0]
        assert time.monotonic() < deadline, "the state was not reached in time"
        time.sleep(0.02)


def wait_for_end(process: "subprocess.Popen[str]") -> str:
    """Wait until a process and its children have ended, and return its output."""
    return process.communicate(timeout=DEADLINE_S)[0]


def trial_folders(storage: Path, sweep: str = "tiny") -> list[Path]:
    return sorted(path.parent for path in storage.glob(f"{sweep}/*/config.json"))


def newest_attempt(storage: Path) -> int:
    """Return the highest number of an attempt at any trial, or 0."""
    return max((entry["attempt"] for folder in trial_folders(storage) for entry in attempt_records(folder)), default=0)


def has_checkpoint(storage: Path, attempt: int = 1) -> bool:
    """Return True if this attempt at some trial, or a later one, has left a checkpoint."""
    files = storage.glob("tiny/*/checkpoints/step-*.safetensors")
    return any(int(path.stem.rpartition("-")[2]) >= attempt for path in files)
