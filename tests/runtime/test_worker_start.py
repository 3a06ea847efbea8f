"""Worker processes start as copies of a fork server, and take over what their driver has at that time."""

import os
import signal
import subprocess
import sys

import pytest
from ray_processes import is_running
from sweep_process import wait_until

from raygroup.errors import WorkerDiedError
from raygroup.runtime.processes import WorkerPool

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="elsewhere every process is spawned")
LIGHT = "raygroup.files.deadline"
"""A module that is imported quickly."""


@pytest.fixture
def workers():
    with WorkerPool(2, preload=LIGHT) as pool:
        yield pool


def done(workers, work, *arguments):
    workers.submit("key", work, *arguments)
    ((_, result),) = workers.results()
    return result


def say(text):
    print(text, flush=True)
    print(text, file=sys.stderr, flush=True)


def test_a_later_process_has_the_environment_and_the_streams_of_its_driver(workers, monkeypatch, capfd):
    done(workers, len, "")
    with WorkerPool(1, preload=LIGHT) as later:
        monkeypatch.setenv("RAYGROUP_TEST", "later")
        monkeypatch.delenv("PATH")
        assert done(later, os.getenv, "RAYGROUP_TEST") == "later"
        assert done(later, os.getenv, "PATH") is None
        done(later, say, "a line")
    assert capfd.readouterr() == ("a line\n", "a line\n")


def test_a_server_that_is_killed_is_replaced(workers):
    for _ in range(3):
        os.kill(done(workers, os.getppid), signal.SIGKILL)
        workers.resize(0)
        workers.resize(2)
        assert done(workers, abs, -1) == 1


def test_processes_that_cannot_be_started_end_in_one_line(workers, monkeypatch):
    def refuse(process):
        raise BlockingIOError(11, "Resource temporarily unavailable")

    monkeypatch.setattr("multiprocessing.process.BaseProcess.start", refuse)
    with pytest.raises(WorkerDiedError, match=r"^5 times in a row no worker process could be started: .*unavailable; free memory"):
        workers.submit("key", abs, -1)


def test_how_a_process_ended_is_known(workers):
    death = done(workers, os._exit, 75)
    assert isinstance(death, WorkerDiedError)
    assert str(death) == "its process ended with exit code 75"
    assert str(done(workers, os.abort)) == "its process ended by SIGABRT"


DRIVER = f"""
import os, sys, time
from raygroup.runtime.processes import WorkerPool

def work(path):
    with open(f"/proc/{{os.getppid()}}/cmdline") as file:
        server = file.read()
    with open(path + ".partial", "w") as file:
        print(os.getpid(), os.getppid(), server, file=file)
    os.rename(path + ".partial", path)
    time.sleep(600)

if __name__ == "__main__":
    pool = WorkerPool(1, preload="{LIGHT}")
    pool.submit("key", work, sys.argv[1])
    time.sleep(600)
"""


def test_a_process_is_a_copy_of_a_server_that_imports_the_module_and_both_end_with_their_driver(tmp_path):
    script, report = tmp_path / "driver.py", tmp_path / "report"
    script.write_text(DRIVER)
    driver = subprocess.Popen([sys.executable, str(script), str(report)])
    try:
        wait_until(report.exists)
    finally:
        driver.kill()
        driver.wait()
    worker, server, command = report.read_text().split(" ", 2)
    assert int(server) != driver.pid
    assert "multiprocessing.forkserver import main; main(" in command
    assert repr([LIGHT]) in command
    wait_until(lambda: not is_running(int(worker)) and not is_running(int(server)))
