"""Ray is checked before any work: with Ray itself, and addresses at which no cluster answers."""

import os
import socket
import subprocess
import sys
import tempfile
from pathlib import Path

import pytest
from given_words import write_folder
from ray_processes import end_all, free_port, ray_node
from sweep_process import DEADLINE_S
from tiny_sweep import space

from raygroup import features, sweep
from raygroup.errors import ClusterLostError, ConfigError
from raygroup.runtime.on_ray.driver_process import Limits
from raygroup.runtime.on_ray.preflight import require_ray

pytestmark = pytest.mark.slow


@pytest.fixture(autouse=True)
def token(monkeypatch):
    monkeypatch.setenv("RAY_AUTH_TOKEN", "made up for this test")


def test_a_dead_address_ends_a_sweep_with_one_line_before_words_are_rendered(tmp_path, capsys):
    address = f"127.0.0.1:{free_port()}"
    assert sweep.main([space(tmp_path), "--address", address, "--storage-path", str(tmp_path / "runs")]) == 5
    (line,) = capsys.readouterr().err.splitlines()
    assert f"--address {address}: no Ray cluster answers there: " in line
    assert "Connection refused" in line
    assert not list((tmp_path / "runs").rglob("*.parquet")) + list((tmp_path / "runs").rglob("*.arrow"))


def test_a_dead_address_ends_the_features_command_alike(tmp_path, capsys):
    address = f"127.0.0.1:{free_port()}"
    words = write_folder(tmp_path / "words")
    assert features.main([str(words), "--address", address, "--storage-path", str(tmp_path / "runs")]) == 5
    assert f"--address {address}: no Ray cluster answers there: " in capsys.readouterr().err
    assert not list((tmp_path / "runs").rglob("*.parquet"))


def test_an_address_that_accepts_and_never_answers_is_given_up():
    with socket.socket() as silent:
        silent.bind(("", 0))  # Ray replaces the loopback address by that of the machine
        silent.listen()
        address = f"127.0.0.1:{silent.getsockname()[1]}"
        with pytest.raises(ClusterLostError, match=f"the head of the Ray cluster at {address} has not answered for 2 s"):
            require_ray(address, Limits(head_s=2.0, end_s=0.1))


@pytest.mark.parametrize("address", ["here", "here:port", "ray://here"])
def test_a_text_that_is_no_address_is_bad_input(address):
    with pytest.raises(ConfigError, match=f"--address {address}: must be auto, or HOST:PORT of the head"):
        require_ray(address)


def test_a_wrong_token_is_bad_input_and_one_line(tmp_path):
    without_ray = {name: value for name, value in os.environ.items() if not name.startswith("RAY_")}
    environment = without_ray | {"RAY_AUTH_MODE": "token", "RAY_USAGE_STATS_ENABLED": "0"}
    with tempfile.TemporaryDirectory(prefix="rg", dir="/tmp") as name:  # short: a socket's path may have 107 bytes
        right, wrong = Path(name) / "right", Path(name) / "wrong"
        right.write_text("a" * 64)
        wrong.write_text("b" * 64)
        address = f"{socket.gethostbyname(socket.gethostname())}:{free_port()}"
        head = ["--head", f"--port={address.rpartition(':')[2]}", f"--temp-dir={name}/ray", "--include-dashboard=false", "--num-cpus=1"]
        command = [sys.executable, "-m", "raygroup.sweep", space(tmp_path), "--address", address, "--storage-path", str(tmp_path / "runs")]
        node = None
        try:
            node = ray_node(Path(name) / "head.log", environment | {"RAY_AUTH_TOKEN_PATH": str(right)}, head)
            done = subprocess.run(
                command,
                env=environment | {"RAY_AUTH_TOKEN_PATH": str(wrong)},
                capture_output=True,
                text=True,
                check=False,
                timeout=DEADLINE_S,
            )
        finally:
            end_all(f"RAY_AUTH_TOKEN_PATH={right}")
            if node:
                node.wait()
    assert done.returncode == 2
    (line,) = done.stderr.splitlines()
    assert line.startswith(f"raygroup: --address {address}: the cluster refuses the token in {wrong}; copy the token file of the cluster")
