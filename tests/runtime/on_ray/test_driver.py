"""Sweeps on Ray, seen from outside.

A driver, a head or one of several workers is killed, and the same command continues.
"""

import os
import shutil
import signal
import subprocess
import sys
import time
import uuid
from pathlib import Path

import numpy as np
import pytest
from chaos import KINDS
from ray_processes import end, end_all, marked
from sweep_process import DEADLINE_S
from tiny_sweep import space

from raygroup import sweep
from raygroup.history.assignments import assignment
from raygroup.history.reader import read_history, same_evidence
from raygroup.runtime.on_ray.driver_process import Limits

pytestmark = pytest.mark.slow
PLENTY = '{"training.batch": (24,), "heads.start": ("independent",)}'
"""Each step has words of every task, and the heads differ, so that rounding alone moves R_TM at first."""


class Sweep:
    """A running command, and the processes that descend from it."""

    def __init__(self, *arguments: str) -> None:
        self.mark = f"RAYGROUP_TEST={uuid.uuid4().hex}"
        environment = os.environ | dict([self.mark.split("=")])
        command = [sys.executable, "-m", "raygroup.sweep", *arguments]
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, env=environment, start_new_session=True
        )

    def wait_for(self, storage: Path, pattern: str) -> None:
        deadline = time.monotonic() + DEADLINE_S
        while not list(storage.glob(pattern)):
            assert self.process.poll() is None, self.process.communicate()[0]
            assert time.monotonic() < deadline, f"no {pattern}"
            time.sleep(0.05)

    def kill(self, *hints: str) -> None:
        victims = [pid for pid, line in marked(self.mark).items() if any(hint in line for hint in hints)]
        assert victims, marked(self.mark)
        end(victims[0])

    def wait(self) -> str:
        """Wait for the end and return the output. All of its processes are gone afterwards."""
        out, _ = self.process.communicate(timeout=DEADLINE_S)
        end_all(self.mark)
        return out


def undisturbed(finished: Path, folder: Path, path: str) -> Path:
    shutil.copytree(finished / "cache", folder / "undisturbed" / "cache")
    assert sweep.main([path, "--local", "--storage-path", str(folder / "undisturbed")]) == 0
    return folder / "undisturbed"


def histories(storage: Path):
    return {path.parent.name: read_history(path.parent) for path in storage.glob("tiny/*/DONE.json")}


def test_a_driver_that_is_killed_is_replaced_and_the_command_goes_on(finished, prepared, tmp_path):
    path = space(tmp_path, steps=400)
    running = Sweep(path, "--storage-path", str(prepared))
    running.wait_for(prepared, "tiny/*/checkpoints/state.json")
    running.kill(*KINDS["driver"])
    out = running.wait()
    assert running.process.returncode == 0, out
    assert "the driver process ended by signal 9; starting another one" in out
    expected = histories(undisturbed(finished, tmp_path, path))
    assert len(expected) == 2
    assert all(same_evidence(history, expected[name]) for name, history in histories(prepared).items())


@pytest.mark.long
def test_a_lost_head_is_said_with_its_own_exit_code_and_the_same_command_goes_on(prepared, tmp_path):
    arguments = (space(tmp_path, steps=1500), "--storage-path", str(prepared))
    running = Sweep(*arguments)
    running.wait_for(prepared, "tiny/*/checkpoints/state.json")
    assert Limits().head_s + Limits().end_s < 90, "a lost head is reported within 90 s"
    running.kill(*KINDS["head"])
    out = running.wait()
    assert running.process.returncode == 5, out
    assert "raygroup: the head of the Ray cluster of this run " in out
    assert f"To continue: python -m raygroup.sweep {' '.join(arguments)}" in out
    again = Sweep(*arguments)
    out = again.wait()
    assert again.process.returncode == 0, out


def test_two_workers_train_what_one_trains(finished, prepared, tmp_path):
    path = space(tmp_path, steps=60, grid=PLENTY)
    running = Sweep(path, "--storage-path", str(prepared), "--workers", "2")
    out = running.wait()
    assert running.process.returncode == 0, out
    alone = histories(undisturbed(finished, tmp_path, path))
    ((name, together),) = histories(prepared).items()
    assert np.abs(together.r_tm - alone[name].r_tm).max() < 1e-3
    assert np.abs(together.integrated_loss - alone[name].integrated_loss).max() < 1e-3
    assert (assignment(together.r_tm) == assignment(alone[name].r_tm)).all()


@pytest.mark.parametrize(
    "victim",
    [
        pytest.param("ray::RayTrainWorker", id="a worker"),
        pytest.param("ray::ResourceTrainable", id="what started the workers", marks=pytest.mark.long),
    ],
)
def test_of_several_workers_one_is_killed_and_the_pack_goes_on(victim, prepared, tmp_path):
    running = Sweep(space(tmp_path, steps=400, grid=PLENTY), "--storage-path", str(prepared), "--workers", "2")
    running.wait_for(prepared, "tiny/*/checkpoints/state.json")
    running.kill(victim)
    out = running.wait()
    assert running.process.returncode == 0, out
    assert "going on from step" in out
    ((_, history),) = histories(prepared).items()
    assert list(history.step) == list(range(1, 401))


def test_more_workers_than_this_machine_can_hold_are_refused_in_one_line(prepared, tmp_path):
    running = Sweep(space(tmp_path), "--storage-path", str(prepared), "--workers", "500")
    out = running.wait()
    assert running.process.returncode == 2
    assert "--workers 500: this machine is too small: a pack needs 500 CPU, it has" in out


def test_sigterm_is_an_interruption(prepared, tmp_path):
    running = Sweep(space(tmp_path, steps=3000), "--storage-path", str(prepared))
    running.wait_for(prepared, "tiny/*/checkpoints/state.json")
    running.process.send_signal(signal.SIGTERM)
    out = running.wait()
    assert running.process.returncode == 130
    assert "ended by SIGTERM. Everything recorded so far is kept. To continue: " in out
