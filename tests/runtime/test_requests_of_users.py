"""``runs stop``, ``retry`` and ``status`` beside a running driver."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from tiny_sweep import space

from raygroup.runs.__main__ import main
from raygroup.runtime.placement import ON_CPU
from raygroup.runtime.planning.forecast import forecast
from raygroup.runtime.planning.packs import make_packs
from raygroup.runtime.planning.plan import declare_sweep, load_plan
from raygroup.storage.sweeps import read_sweeps


def started(arguments: list[str]) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "raygroup.sweep", *arguments]
    return subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True)


def wait_for(driver: subprocess.Popen[str], what: Callable[[], object]) -> None:
    deadline = time.monotonic() + 120
    while not what():
        assert driver.poll() is None, driver.communicate()[0]
        assert time.monotonic() < deadline
        time.sleep(0.1)


def status(storage: Path, capsys) -> dict:
    capsys.readouterr()
    assert main(["status", str(storage), "--json"]) == 0
    return json.loads(capsys.readouterr().out)["sweeps"][0]


def test_a_sweep_that_is_asked_to_stop_ends_at_checkpoints_and_can_be_gone_on_with(prepared, tmp_path, capsys):
    arguments = [space(tmp_path, steps=6000), "--local", "--storage-path", str(prepared)]
    driver = started(arguments)
    wait_for(driver, lambda: list(prepared.glob("tiny/*/checkpoints/state.json")))
    wait_for(driver, lambda: any(trial["step"] for trial in status(prepared, capsys)["training"]))
    running = status(prepared, capsys)["training"]
    assert {trial["steps"] for trial in running} == {6000}
    assert all(trial["attempt"] == 1 and not trial["silent"] and trial["said_s_ago"] < 60 for trial in running if trial["step"])
    assert main(["stop", "tiny", str(prepared)]) == 0
    out, _ = driver.communicate(timeout=120)
    assert driver.returncode == 130, out
    assert "stopped on request" in out
    assert status(prepared, capsys)["stop"]
    assert not [trial for sweep in read_sweeps(prepared) for trial in sweep.trials if trial.state in ("done", "failed")]
    declare_sweep(load_plan(arguments[0], prepared))
    assert status(prepared, capsys)["stop"] is None


def test_a_running_driver_tries_a_failed_trial_again_when_asked(prepared, tmp_path, capsys):
    path = space(tmp_path, steps=6000, grid='{"training.learning_rate": (1e-3, 1e30)}')
    driver = started([path, "--local", "--storage-path", str(prepared)])
    wait_for(driver, lambda: list(prepared.glob("tiny/*/FAILED.json")))
    assert main(["retry", "tiny", "learning_rate=1e+30", str(prepared)]) == 0
    assert "which failed with: step " in capsys.readouterr().out
    wait_for(driver, lambda: list(prepared.glob("tiny/*/FAILED.json")))
    (broken,) = (path.parent for path in prepared.glob("tiny/*/FAILED.json"))
    os.killpg(driver.pid, signal.SIGKILL)
    driver.communicate(timeout=60)
    assert json.loads((broken / "lease.json").read_text())["attempt"] == 2


def test_a_forecast_rests_on_what_trials_of_the_same_words_measured(finished, tmp_path):
    plan = load_plan(space(tmp_path, seeds="(0, 1)", steps=400), finished)
    forecast_result = forecast(plan, make_packs(plan.missing, ON_CPU), ON_CPU)
    assert forecast_result.basis == {"measured": 4}
    assert 0 < forecast_result.device_hours < 1
