"""Sweeps whose driver or worker is killed, or which Ctrl-C ends.

The same command continues, and leaves the histories of an undisturbed sweep.
"""

import json
import os
import shutil
import signal
from pathlib import Path

import pytest
from sweep_process import has_checkpoint, newest_attempt, start_command, trial_folders, wait_for_end, wait_until
from tiny_sweep import space

from raygroup import sweep
from raygroup.history.reader import read_history, same_evidence
from raygroup.storage.locks import lock_folder

SWEEP = "raygroup.sweep"
STEPS = 400
"""A signal after the first checkpoint comes long before the last of these steps, also on a busy machine."""


def train_undisturbed(finished: Path, folder: Path, path: str) -> Path:
    """Run a sweep without Ray on the words of ``finished``, and return its storage path."""
    shutil.copytree(finished / "cache", folder / "cache")
    assert sweep.main([path, "--local", "--storage-path", str(folder)]) == 0
    return folder


def assert_same_histories(storage: Path, reference: Path) -> None:
    for trial, expected in zip(trial_folders(storage), trial_folders(reference), strict=True):
        assert same_evidence(read_history(trial), read_history(expected))


@pytest.mark.slow
def test_after_its_driver_was_killed_a_sweep_ends_with_the_histories_of_an_undisturbed_one(finished, prepared, tmp_path):
    arguments = [space(tmp_path, steps=STEPS), "--local", "--storage-path", str(prepared)]
    with start_command(SWEEP, arguments) as driver:
        wait_until(lambda: has_checkpoint(prepared), driver)
        os.kill(driver.pid, signal.SIGKILL)
        wait_for_end(driver)
    assert not all((folder / "DONE.json").exists() for folder in trial_folders(prepared))
    assert sweep.main(arguments) == 0
    attempts = [json.loads((folder / "DONE.json").read_text())["attempts"] for folder in trial_folders(prepared)]
    assert max(attempts) == 2
    assert_same_histories(prepared, train_undisturbed(finished, tmp_path / "undisturbed", arguments[0]))


@pytest.mark.slow
def test_ctrl_c_ends_a_sweep_and_prints_the_command_that_continues(prepared, tmp_path):
    arguments = [space(tmp_path, steps=2000), "--local", "--storage-path", str(prepared)]
    with start_command(SWEEP, arguments) as driver:
        wait_until(lambda: has_checkpoint(prepared), driver)
        os.killpg(driver.pid, signal.SIGINT)
        out = wait_for_end(driver)
    assert driver.returncode == 130
    assert f"Everything recorded so far is kept. To continue: python -m raygroup.sweep {' '.join(arguments)}" in out
    assert "Traceback" not in out


@pytest.mark.slow
def test_a_trial_whose_process_is_killed_continues_in_a_new_one(prepared, tmp_path):
    arguments = [space(tmp_path, steps=STEPS), "--local", "--storage-path", str(prepared)]
    with start_command(SWEEP, arguments) as driver:
        wait_until(lambda: has_checkpoint(prepared), driver)
        os.kill(worker_processes(driver.pid)[0], signal.SIGKILL)
        out = wait_for_end(driver)
    assert driver.returncode == 0, out
    assert all((folder / "DONE.json").exists() for folder in trial_folders(prepared))


def worker_processes(driver: int) -> list[int]:
    """Return the process ids of the driver's workers, which are copies of its fork server."""
    (server,) = (child for child in children(driver) if "forkserver" in Path(f"/proc/{child}/cmdline").read_text())
    return children(server)


def children(process: int) -> list[int]:
    return [int(child) for child in Path(f"/proc/{process}/task/{process}/children").read_text().split()]


def test_a_second_driver_reports_which_process_writes_the_sweep(prepared, tmp_path):
    arguments = [space(tmp_path), "--local", "--storage-path", str(prepared)]
    with lock_folder(prepared / "tiny", "sweep"), start_command(SWEEP, arguments) as second:
        out = wait_for_end(second)
    assert second.returncode == 2
    assert f"is being written by process {os.getpid()} on " in out


@pytest.mark.slow
@pytest.mark.long
def test_on_ray_a_sweep_continues_after_its_driver_was_killed_and_after_ctrl_c(finished, prepared, tmp_path):
    arguments = [space(tmp_path, steps=STEPS), "--storage-path", str(prepared)]
    for number, exit_code in ((signal.SIGKILL, -signal.SIGKILL), (signal.SIGINT, 130)):
        # Workers of a killed driver may still write checkpoints. Only a new attempt shows that this driver trains.
        attempt = newest_attempt(prepared) + 1
        with start_command(SWEEP, arguments) as driver:
            wait_until(lambda attempt=attempt: has_checkpoint(prepared, attempt), driver)
            os.kill(driver.pid, number)
            out = wait_for_end(driver)
        assert driver.returncode == exit_code, out
    with start_command(SWEEP, arguments) as driver:
        out = wait_for_end(driver)
    assert driver.returncode == 0, out
    assert_same_histories(prepared, train_undisturbed(finished, tmp_path / "undisturbed", arguments[0]))


@pytest.mark.slow
def test_histories_are_the_same_on_ray_and_without_it(finished, prepared, tmp_path):
    with start_command(SWEEP, [space(tmp_path), "--storage-path", str(prepared)]) as driver:
        out = wait_for_end(driver)
    assert driver.returncode == 0, out
    assert_same_histories(prepared, finished)
