"""The entrypoint of a RayJob: a command with bad input (exit code 2) is not tried again."""

import os
import shlex
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest
import yaml
from cluster_files import FILES
from ray_processes import end_all, free_port, ray_node
from sweep_process import DEADLINE_S, start_command, wait_for_end

from raygroup.cluster.__main__ import main
from raygroup.runtime.on_ray.settings import ENVIRONMENT

SHELL = [sys.executable, "-c"]


@pytest.mark.parametrize("exit_code", [0, 2, 3, 5, 130])
def test_a_job_ends_with_the_exit_code_of_its_command(exit_code):
    assert main(["job", *SHELL, f"raise SystemExit({exit_code})"]) == exit_code


@pytest.mark.parametrize("arguments", [[], ["no-such-program"]])
def test_a_job_without_a_command_that_can_start_is_bad_input(arguments, capsys):
    assert main(["job", *arguments]) == 2
    assert capsys.readouterr().err.startswith("raygroup: job: ")


def test_a_job_that_is_ended_lets_its_command_end_first(tmp_path):
    program = (
        "import signal, time, pathlib\n"
        "def end(*_):\n    pathlib.Path('ended').touch(); raise SystemExit(130)\n"
        "signal.signal(signal.SIGTERM, end); pathlib.Path('started').touch(); time.sleep(600)"
    )
    program = program.replace("'ended'", repr(str(tmp_path / "ended"))).replace("'started'", repr(str(tmp_path / "started")))
    with start_command("raygroup.cluster", ["job", *SHELL, program]) as process:
        while not (tmp_path / "started").exists():
            assert process.poll() is None
            time.sleep(0.02)
        process.terminate()
        wait_for_end(process)
    assert process.returncode == 130
    assert (tmp_path / "ended").exists()


def test_the_shipped_job_retries_lost_clusters_and_never_bad_input():
    """KubeRay retries every job that FAILED, up to ``backoffLimit``. Only a job that was STOPPED is complete without a retry."""
    job = next(yaml.safe_load_all(FILES["kubernetes"].read_text()))["spec"]
    assert job["backoffLimit"] > 0, "a lost cluster is retried"
    words = shlex.split(job["entrypoint"])
    assert words[:7] == ["python", "-m", "raygroup.cluster", "job", "python", "-m", "raygroup.sweep"]
    assert not set("|;&$\"'") & set(job["entrypoint"]), "KubeRay hands the text to a shell, which must change nothing in it"


@pytest.fixture(scope="module")
def head():
    """The environment of a Ray cluster with a dashboard, on this machine."""
    with tempfile.TemporaryDirectory(prefix="rg-job-") as folder:
        mark = f"RAYGROUP_TEST_CLUSTER={folder}"
        token = Path(folder) / "token"
        token.write_text("0" * 64)
        port, dashboard, agent = free_port(), free_port(), free_port()
        environment = os.environ | ENVIRONMENT | {"RAY_AUTH_TOKEN_PATH": str(token), mark.partition("=")[0]: folder}
        arguments = ["--head", f"--port={port}", "--num-cpus=2", "--include-dashboard=true", f"--dashboard-port={dashboard}"]
        # The agent takes jobs. Beside another cluster on this machine, the default port of an agent may be taken.
        arguments += ["--dashboard-host=127.0.0.1", f"--dashboard-agent-listen-port={agent}", f"--temp-dir={folder}/r"]
        try:
            node = ray_node(Path(folder) / "log", environment, arguments)
            yield environment | {"RAY_ADDRESS": f"http://127.0.0.1:{dashboard}"}
        finally:
            end_all(mark)
        node.wait()


def submit(environment, entrypoint):
    """Submit a job as KubeRay does, and return the status with which it ended, and its log."""
    program = (
        "import sys, time\nfrom ray.job_submission import JobSubmissionClient\nclient = JobSubmissionClient()\n"
        "job = client.submit_job(entrypoint=sys.argv[1])\n"
        "while not client.get_job_status(job).is_terminal():\n    time.sleep(0.2)\n"
        "print(client.get_job_status(job).value)\nprint(client.get_job_logs(job))"
    )
    outcome = subprocess.run(
        [*SHELL, program, entrypoint], env=environment, capture_output=True, text=True, check=False, timeout=DEADLINE_S
    )  # fmt: skip
    assert outcome.returncode == 0, outcome.stderr
    status, _, log = outcome.stdout.partition("\n")
    return status, log


@pytest.mark.slow
@pytest.mark.parametrize(
    ("command", "status"),
    [
        ("-m raygroup.sweep no_such_space --address auto", "STOPPED"),
        ("-c 'raise SystemExit(3)'", "FAILED"),
        ("-c 'raise SystemExit(0)'", "SUCCEEDED"),
    ],
)
def test_ray_takes_a_job_with_bad_input_as_stopped_and_any_other_failure_as_failed(head, command, status):
    python = shlex.quote(sys.executable)
    ended, log = submit(head, f"{python} -m raygroup.cluster job {python} {command}")
    assert ended == status, log
    if status == "STOPPED":
        assert "no search space 'no_such_space'" in log
        assert "bad input, which a retry cannot mend" in log
