"""The run of everything that a GPU can show, tried on a CPU."""

import json
import os
import subprocess
import sys
from pathlib import Path

import on_gpu
import pytest
import torch

KEYS = {
    "grid": {"grid_ratio", "pack_ratio", "trials", "heads", "hours_of_20000_steps", "ops_k2", "ops_k7", "device"},
    "heads": {"train_ratio", "train_ratio_plain", "beam6_ratio", "greedy_ratio", "mib_per_word_head", "ops_m2", "ops_m7", "device"},
    "kernels": {"planes", "laptop", "device", "machine"},
}
"""Benchmark -> keys of its JSON object."""
SCRIPT = Path(on_gpu.__file__).with_suffix(".sh")


def run_script(*arguments):
    environment = os.environ | {"PYTHON": sys.executable}
    return subprocess.run(
        ["bash", str(SCRIPT), *arguments], capture_output=True, text=True, check=False, env=environment, cwd="/", timeout=540
    )


def program(code):
    """A part that runs some Python code."""
    return lambda device, quick, limit_s: json.loads(on_gpu.last_line(on_gpu.run_command([sys.executable, "-c", code], limit_s)))


@pytest.mark.slow
@pytest.mark.long
def test_every_part_runs_small_on_a_cpu_and_the_last_line_is_one_json_object():
    done = run_script("--device", "cpu", "--quick")
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    figures = json.loads(done.stdout.splitlines()[-1])
    assert figures["failed"] == []
    assert [name for name, keys in KEYS.items() if not keys <= set(figures[name])] == []
    assert figures["tests"]["skipped"] > 0
    assert figures["tests"]["skip_reasons"] == ["needs a GPU"]
    assert figures["heads"]["train_ratio"] > 0
    assert figures["grid"]["grid_ratio"] > 0
    assert all(0.8 <= row["ratio"] <= 1.25 for row in figures["memory"])
    assert figures["kernels"]["planes"]["graphs"] == {"skipped": "CUDA graphs need a GPU"}
    assert all(figures["kernels"]["planes"][form]["agrees"] for form in ("bf16", "factored", "winograd"))


@pytest.mark.skipif(torch.cuda.is_available(), reason="needs a machine without a GPU")
def test_without_a_gpu_one_line_says_so():
    done = run_script()
    assert done.returncode == 2
    assert done.stdout == ""
    (line,) = done.stderr.splitlines()
    assert "torch sees no GPU here" in line


def test_a_part_that_fails_or_takes_too_long_is_named_and_the_others_continue(monkeypatch, capsys):
    parts = (
        on_gpu.Part("heads", program("raise SystemExit('out of memory')"), 20),
        on_gpu.Part("memory", program("import time; time.sleep(60)"), 1),
        on_gpu.Part("kernels", program("print('a line'); print('{\"ratio\": 2}')"), 20),
    )
    monkeypatch.setattr(on_gpu, "PARTS", parts)
    assert on_gpu.main(["--device", "cpu"]) == 1
    figures = json.loads(capsys.readouterr().out.splitlines()[-1])
    assert figures["failed"] == ["heads", "memory"]
    assert figures["reasons"] == {"heads": "exit code 1: out of memory", "memory": "not finished after 1 s"}
    assert figures["heads"] == {}
    assert figures["memory"] == []
    assert figures["kernels"] == {"ratio": 2}
    assert figures["wall_s"] < 40


def test_a_part_for_which_no_time_is_left_does_not_start(monkeypatch, capsys):
    monkeypatch.setattr(on_gpu, "TIME_LIMIT_S", 0)
    monkeypatch.setattr(on_gpu, "PARTS", (on_gpu.Part("grid", program("print('{}')"), 20),))
    assert on_gpu.main(["--device", "cpu"]) == 1
    assert "no time is left" in capsys.readouterr().out
