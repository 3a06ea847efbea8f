"""``runs status`` and ``runs logs``: the progress of sweeps that run anywhere, from their storage path alone."""

import json
import os
import signal
import subprocess
import sys

import pytest
from sweep_process import DEADLINE_S

from raygroup.runs.__main__ import main


def printed(arguments, capsys):
    assert main([str(argument) for argument in arguments]) == 0
    return capsys.readouterr().out


def test_status_counts_states_and_shows_trials_in_training(busy, capsys):
    out = printed(["status", busy.storage], capsys)
    rows = {line.split()[0]: line.split()[1:] for line in out.splitlines()[:6] if line.strip()}
    assert rows["half"] == ["1", "2", "1"]
    assert rows["small"] == ["4"]
    running, silent = (line for line in out.splitlines() if "20/60" in line)
    assert "ago" in running
    assert "silent" not in running
    assert "process 2 on node-2" in running
    assert "2:00:0" in silent
    assert "silent" in silent
    assert "base_coefficient=0.1 seed=0 failed at step 20: integrated loss is nan" in out


def test_status_as_json_is_one_object(busy, capsys):
    (half,) = json.loads(printed(["status", "--storage-path", busy.storage, "--json", "--sweep", "half"], capsys))["sweeps"]
    assert half["counts"] == {"done": 0, "failed": 1, "unfinished": 2, "not started": 1}
    assert half["stop"] is None
    running, silent = half["training"]
    assert (running["id"], running["step"], running["steps"], running["attempt"]) == (busy.running.name, 20, 60, 2)
    assert 5 <= running["said_s_ago"] < 60
    assert (running["silent"], silent["silent"]) == (False, True)
    assert half["failed"] == [
        {
            "id": busy.failed.name, "label": "base_coefficient=0.1 seed=0", "step": 20, "reason": "integrated loss is nan",
            "at": "2026-01-02T10:05:00+00:00",
        }
    ]  # fmt: skip


def test_a_trial_that_has_begun_and_written_nothing_is_shown(busy, capsys):
    for name in ("progress.json", "lease.json"):
        (busy.running / name).unlink()
    (half,) = json.loads(printed(["status", busy.storage, "--json", "--sweep", "half"], capsys))["sweeps"]
    assert half["training"][0] | {"id": "", "label": ""} == {
        "id": "", "label": "", "step": 0, "steps": 60, "said_s_ago": None, "silent": False, "attempt": 0, "by": "", "since": "",
        "damaged": [],
    }  # fmt: skip


def test_the_status_of_an_unknown_sweep_lists_the_known_ones(busy, capsys):
    assert main(["status", str(busy.storage), "--sweep", "hal"]) == 2
    assert capsys.readouterr().err == f"raygroup: no sweep 'hal' in {busy.storage}; there are: half, small, small_control\n"


def test_watching_ends_when_nothing_is_left_to_train(busy, capsys):
    out = printed(["status", busy.storage, "--sweep", "small", "--watch", "--json"], capsys)
    assert len(out.splitlines()) == 1


def test_watching_ends_with_ctrl_c(busy):
    command = [sys.executable, "-m", "raygroup.runs", "status", str(busy.storage), "--sweep", "half", "--watch", "--json"]
    watcher = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    assert json.loads(watcher.stdout.readline())["sweeps"][0]["name"] == "half"
    os.kill(watcher.pid, signal.SIGINT)
    watcher.communicate(timeout=DEADLINE_S)
    assert watcher.returncode == 0


def test_status_loads_neither_torch_nor_ray(busy):
    code = "import sys; from raygroup.runs.__main__ import main; main(sys.argv[1:]); assert not {'torch', 'ray'} & set(sys.modules)"
    subprocess.run([sys.executable, "-c", code, "status", str(busy.storage)], check=True, capture_output=True)


def test_the_log_of_a_failed_trial_has_its_reason_and_its_traceback(busy, capsys):
    out = printed(["logs", busy.failed.name, busy.storage], capsys)
    assert "base_coefficient=0.1 seed=0 of half: failed" in out
    assert "failed at step 20, 2026-01-02T10:05:00+00:00: integrated loss is nan" in out
    assert "Traceback (most recent call last): made up" in out


def test_the_log_of_a_trial_that_stalled_has_its_attempts_and_the_stacks_of_the_last_stall(busy, capsys):
    out = printed(["logs", busy.silent.name[:12], busy.storage], capsys)
    assert out.index("process 1 on node-1") < out.index("process 2 on node-2")
    assert "stacks of 200, rank 0" in out
    assert "stacks of 200, rank 1" in out
    assert "stacks of 100" not in out
    assert "and 2 earlier stalls (--all)" in out
    assert "stacks of 100, rank 1" in printed(["logs", busy.silent.name, busy.storage, "--all"], capsys)


def test_a_trial_can_be_named_by_a_part_of_its_label(busy, capsys):
    assert "of half: not started" in printed(["logs", "base_coefficient=0.3 seed=1", busy.storage], capsys)


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("base_coefficient=0.1", "'base_coefficient=0.1' could be any of 2 trials: half-"),
        ("half-", "'half-' could be any of 4 trials: half-"),
        ("seed=7", "there are: 10 trials, such as "),
    ],
)
def test_a_name_that_fits_no_trial_or_several_lists_them(busy, name, message, capsys):
    assert main(["logs", name, str(busy.storage)]) == 2
    assert message in capsys.readouterr().err


def test_logs_as_json_is_one_object_with_the_texts_of_its_files(busy, capsys):
    failed = json.loads(printed(["logs", busy.failed.name, "--storage-path", busy.storage, "--json"], capsys))
    assert (failed["id"], failed["sweep"], failed["state"]) == (busy.failed.name, "half", "failed")
    assert failed["failure"] == {"step": 20, "reason": "integrated loss is nan", "at": "2026-01-02T10:05:00+00:00"}
    assert [file["text"] for file in failed["files"]] == ["Traceback (most recent call last): made up"]
    silent = json.loads(printed(["logs", busy.silent.name, busy.storage, "--json"], capsys))
    assert [attempt["by"] for attempt in silent["attempts"]] == ["process 1 on node-1", "process 2 on node-2"]
    assert [file["text"] for file in silent["files"]] == ["stacks of 200, rank 0", "stacks of 200, rank 1"]
    assert silent["failure"] is None
