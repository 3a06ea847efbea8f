"""Nodes of Ray that a test starts, and all processes that come of them, whatever became of their parents: an entry of the environment,
which all of them inherit, tells them from others."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Sequence
from pathlib import Path

from sweep_process import DEADLINE_S


def marked(entry: str) -> dict[int, str]:
    """Process -> command line of everything with this ``NAME=value`` in its environment."""
    found = {}
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if entry.encode() in (process / "environ").read_bytes().split(b"\0"):
                found[int(process.name)] = (process / "cmdline").read_bytes().replace(b"\0", b" ").decode(errors="replace")
    return found


def stat_fields(pid: int) -> list[str]:
    """Return the fields of a process from its state on. The name before them may hold spaces."""
    return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()


def is_running(pid: int) -> bool:
    """Return True unless a process has ended. Nobody may have collected its exit code yet."""
    try:
        return stat_fields(pid)[0] not in "ZX"
    except OSError:
        return False


def end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        os.kill(pid, signal.SIGKILL)


def end_all(entry: str) -> None:
    """Every marked process, and no other: what ``ray start`` started has groups of its own."""
    while left := marked(entry):
        for pid in left:
            end(pid)
        time.sleep(0.05)


def free_port() -> int:
    """Of this run alone: two heads at one port would answer by turns, and refuse each other's token. Ray's workers use 10002 to 19999."""
    while True:
        with socket.socket() as probe:
            probe.bind(("", 0))
            port = int(probe.getsockname()[1])
        if not 10002 <= port <= 19999:
            return port


def ray_node(log: Path, environment: dict[str, str], arguments: Sequence[str]) -> "subprocess.Popen[bytes]":
    """``ray start`` in a session of its own, once its node runs."""
    command = [sys.executable, "-m", "ray.scripts.scripts", "start", "--block", "--object-store-memory=80000000", "--disable-usage-stats"]
    with log.open("wb") as out:
        process = subprocess.Popen([*command, *arguments], env=environment, stdout=out, stderr=out, start_new_session=True)
    until_it_runs(process, log)
    return process


def until_it_runs(node: "subprocess.Popen[bytes]", log: Path) -> None:
    deadline = time.monotonic() + DEADLINE_S
    while "Ray runtime started" not in log.read_text():
        assert node.poll() is None, log.read_text()
        assert time.monotonic() < deadline, log.read_text()
        time.sleep(0.1)
