"""A sweep on Ray leaves no secret in any file, and lets no other user or machine reach it."""

import contextlib
import os
import re
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
from given_words import write_folder
from ray_processes import end_all, marked
from sweep_process import DEADLINE_S
from tiny_sweep import space

pytestmark = pytest.mark.slow
SECRETS = {
    name: f"made-up-{number}-of-this-test"
    for number, name in enumerate(("AWS_ACCESS_KEY_ID", "AWS_SECRET_ACCESS_KEY", "AWS_SESSION_TOKEN", "AWS_SECURITY_TOKEN"))
}


def files_below(*folders: Path | str) -> list[Path]:
    return [Path(folder, name) for root in folders for folder, _, names in os.walk(root) for name in names]


def files_with_a_secret(*folders: Path | str) -> set[Path]:
    """Return the files that hold a secret. Running processes may remove files meanwhile."""
    leaks = set()
    for path in files_below(*folders):
        with contextlib.suppress(OSError):
            if path.is_file() and any(secret.encode() in path.read_bytes() for secret in SECRETS.values()):
                leaks.add(path)
    return leaks


def environment_of(pid: int) -> bytes:
    """Return the environment of a process. It is empty once the process ends."""
    with contextlib.suppress(OSError):
        return Path(f"/proc/{pid}/environ").read_bytes()
    return b""


def listening_addresses(pids: set[int]) -> set[str]:
    """Return the addresses on which these processes listen."""
    psutil = pytest.importorskip("psutil")
    return {
        each.laddr.ip.removeprefix("::ffff:") for each in psutil.net_connections("inet") if each.status == "LISTEN" and each.pid in pids
    }


def ray_environment(tmp_path, short):
    """Return the environment of a user without a token, with the secrets and a folder for temporary files."""
    environment = {key: value for key, value in os.environ.items() if key not in ("RAY_TMPDIR", "RAY_AUTH_TOKEN_PATH")}
    return environment | SECRETS | {"TMPDIR": short, "HOME": str(tmp_path), "RAYGROUP_TEST": str(tmp_path)}


def test_features_on_ray_leave_secrets_in_no_file(tmp_path):
    words, seen, leaks = write_folder(tmp_path / "words"), set(), set()
    with tempfile.TemporaryDirectory(prefix="rg", dir="/tmp") as short:
        command = subprocess.Popen(
            [sys.executable, "-m", "raygroup.features", str(words), "--workers", "1", "--storage-path", str(tmp_path / "runs")],
            env=ray_environment(tmp_path, short), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            while command.poll() is None:
                seen |= {path.name for path in files_below(short)}
                leaks |= files_with_a_secret(short)
                time.sleep(0.1)
            out, _ = command.communicate(timeout=DEADLINE_S)
        finally:
            end_all(f"RAYGROUP_TEST={tmp_path}")
    assert command.returncode == 0, out
    assert {"raylet.out", "gcs_server.out"} <= seen
    assert leaks | files_with_a_secret(tmp_path) == set()


def test_a_sweep_on_ray_keeps_secrets_files_and_ports_to_itself(prepared, tmp_path):
    mark = f"RAYGROUP_TEST={tmp_path}"
    with tempfile.TemporaryDirectory(prefix="rg", dir="/tmp") as short:
        command = subprocess.Popen(
            [sys.executable, "-m", "raygroup.sweep", space(tmp_path, steps=3000), "--storage-path", str(prepared)],
            env=ray_environment(tmp_path, short), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, start_new_session=True,
        )  # fmt: skip
        try:
            deadline = time.monotonic() + DEADLINE_S
            while not list(prepared.glob("tiny/*/checkpoints/state.json")):
                assert command.poll() is None, command.communicate()[0]
                assert time.monotonic() < deadline
                time.sleep(0.1)
            (folder,) = Path(short).glob("rg-ray-*")
            logs = list(folder.glob("r/session_2*/logs/runtime_env_agent.log"))
            assert logs, "the file that held the secrets"
            assert "env_vars" in logs[0].read_text(), "a runtime environment was logged"
            assert stat.S_IMODE(folder.stat().st_mode) == 0o700
            token = tmp_path / ".ray" / "auth_token"
            assert stat.S_IMODE(token.stat().st_mode) == 0o600
            assert files_with_a_secret(short, prepared, tmp_path) == set()
            processes = marked(mark)
            assert not [line for line in processes.values() if any(secret in line for secret in SECRETS.values())]
            workers = [pid for pid, line in processes.items() if line.startswith(("ray::ResourceTrainable", "ray::Pack"))]
            environments = [environment for pid in workers if (environment := environment_of(pid))]
            assert environments
            assert all(SECRETS["AWS_SECRET_ACCESS_KEY"].encode() in environment for environment in environments)
            assert listening_addresses(set(processes)) == {"127.0.0.1"}
            command.terminate()
            out, _ = command.communicate(timeout=DEADLINE_S)
        finally:
            end_all(mark)
        assert command.returncode == 130, out
        assert re.search(r"Ray's dashboard: http://127\.0\.0\.1:\d+ ", out)
        assert not list(Path(short).glob("rg-ray-*")), "the folder goes with the sweep"
