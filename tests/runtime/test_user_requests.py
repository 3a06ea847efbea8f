"""``runs stop``, ``retry`` and ``status`` beside a running driver."""

import json
import os
import signal
from pathlib import Path

import pytest
from sweep_process import DEADLINE_S, start_command, wait_for_end, wait_until
from tiny_sweep import space

from raygroup.runs.__main__ import main
from raygroup.runtime.planning.plan import declare_sweep, load_plan
from raygroup.storage.sweeps import read_sweeps

pytestmark = pytest.mark.slow


def read_status(storage: Path, capsys) -> dict:
    capsys.readouterr()
    assert main(["status", str(storage), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["sweeps"][0]


def test_a_sweep_stops_at_checkpoints_on_request_and_the_request_ends_when_it_is_run_again(prepared, tmp_path, capsys):
    path = space(tmp_path, steps=6000)
    with start_command("raygroup.sweep", [path, "--local", "--storage-path", str(prepared)]) as driver:
        wait_until(lambda: any(trial["step"] for trial in _training(prepared, capsys)), driver)
        training = _training(prepared, capsys)
        assert {trial["steps"] for trial in training} == {6000}
        assert all(trial["attempt"] == 1 and not trial["silent"] for trial in training if trial["step"])
        assert all(trial["said_s_ago"] < DEADLINE_S for trial in training if trial["step"])
        assert main(["stop", "tiny", str(prepared)]) == 0
        out = wait_for_end(driver)
    assert driver.returncode == 130, out
    assert "stopped on request" in out
    assert read_status(prepared, capsys)["stop"]
    assert not [trial for sweep in read_sweeps(prepared) for trial in sweep.trials if trial.state in ("done", "failed")]
    declare_sweep(load_plan(path, prepared))
    assert read_status(prepared, capsys)["stop"] is None


def _training(storage: Path, capsys) -> list[dict]:
    """Return the status of the trials in training. It is empty before the sweep is declared."""
    return read_status(storage, capsys)["training"] if list(storage.glob("tiny/sweep.json")) else []


def test_a_running_driver_tries_a_failed_trial_again_on_request(prepared, tmp_path, capsys):
    path = space(tmp_path, steps=6000, grid='{"training.learning_rate": (1e-3, 1e30)}')
    with start_command("raygroup.sweep", [path, "--local", "--storage-path", str(prepared)]) as driver:
        wait_until(lambda: list(prepared.glob("tiny/*/FAILED.json")), driver)
        (broken,) = (path.parent for path in prepared.glob("tiny/*/FAILED.json"))
        assert main(["retry", "tiny", "learning_rate=1e+30", str(prepared)]) == 0
        assert "which failed with: step " in capsys.readouterr().out
        wait_until((broken / "FAILED.json").is_file, driver)
        os.killpg(driver.pid, signal.SIGKILL)
    assert json.loads((broken / "lease.json").read_text())["attempt"] == 2
