"""Twenty kills of a search, of its driver or of a worker, at random moments."""

import os
import random
import shutil
import signal
import subprocess
import time
from collections import Counter
from pathlib import Path

import pytest
from size_searches import search_space
from sweep_process import start_command, trial_folders, wait_for_end

pytest.importorskip("optuna")

from raygroup import sweep
from raygroup.runtime.planning.plan import load_plan
from raygroup.runtime.searches.journal import COMPLETE
from raygroup.runtime.searches.search_plan import stored_points
from raygroup.storage.layout import JOURNAL_FILE
from raygroup.storage.leases import attempt_records

KILLS = 20
SETTINGS = {"num_points": 20, "steps": 60, "seeds": "(0,)", "confirm_seeds": "(7,)"}


def descendants(pid: int) -> list[int]:
    """Return the processes that a process started, and those that they started."""
    listed = subprocess.run(["ps", "-o", "pid=", "--ppid", str(pid)], capture_output=True, text=True, check=False).stdout
    children = [int(line) for line in listed.split()]
    return [*children, *(grandchild for child in children for grandchild in descendants(child))]


def num_events(storage: Path) -> int:
    """Return the number of lines in the journal and of files that trials wrote. It grows while a search runs."""
    journal = storage / "sizes" / JOURNAL_FILE
    lines = journal.read_bytes().count(b"\n") if journal.is_file() else 0
    return lines + len([*storage.glob("sizes/*/checkpoints/step-*")]) + 2 * len([*storage.glob("sizes/*/DONE.json")])


def num_attempts(storage: Path) -> dict[str, int]:
    """Return how many attempts each trial took."""
    return {folder.name: len(attempt_records(folder)) for folder in trial_folders(storage, "sizes")}


def run_and_kill(storage: Path, path: str, chance: random.Random) -> tuple[str, int | None]:
    """Run the command and kill its driver or one of its workers. Returns what was killed, and the exit code."""
    with start_command("raygroup.sweep", [path, "--local", "--storage-path", str(storage)]) as driver:
        target = num_events(storage) + chance.randint(0, 4)
        while driver.poll() is None and num_events(storage) < target:
            time.sleep(0.05)
        time.sleep(chance.uniform(0, 1.0))
        if driver.poll() is not None:
            return "", driver.returncode
        workers = descendants(driver.pid)
        kills_driver = not workers or chance.random() < 0.5
        try:
            os.kill(driver.pid if kills_driver else chance.choice(workers), signal.SIGKILL)
        except ProcessLookupError:
            return "", driver.poll()
        wait_for_end(driver) if kills_driver or chance.random() < 0.3 else time.sleep(chance.uniform(0.5, 2.0))
        if driver.poll() is None:
            os.kill(driver.pid, signal.SIGKILL)
            wait_for_end(driver)
            return "worker and driver", driver.returncode
        return "driver" if kills_driver else "worker", driver.returncode


@pytest.mark.slow
@pytest.mark.long
def test_a_search_with_twenty_kills_ends_with_the_journal_of_an_undisturbed_one(finished, prepared, tmp_path):
    path = search_space(tmp_path, **SETTINGS)
    chance = random.Random(15)
    killed: list[str] = []
    while len(killed) < KILLS:
        kind, code = run_and_kill(prepared, path, chance)
        killed += [part for part in kind.split(" and ") if part]
        print(f"kill {len(killed)}: {kind or 'none'}, exit code {code}, {num_events(prepared)} events")
        if code == 0 and (prepared / "sizes").exists():  # it is done before all kills: it begins anew
            assert_whole(prepared, tmp_path, path)
            shutil.rmtree(prepared / "sizes")
    assert sweep.main([path, "--local", "--storage-path", str(prepared)]) == 0
    undisturbed = tmp_path / "undisturbed"
    shutil.copytree(finished / "cache", undisturbed / "cache")
    assert sweep.main([path, "--local", "--storage-path", str(undisturbed)]) == 0
    print(f"killed: {Counter(killed)}, attempts: {num_attempts(prepared)}")
    assert_whole(prepared, tmp_path, path)
    assert stored_points(load_plan(path, prepared)) == stored_points(load_plan(path, undisturbed))
    assert {folder.name for folder in (prepared / "sizes").glob("sizes-*")} == {
        folder.name for folder in (undisturbed / "sizes").glob("sizes-*")
    }


def assert_whole(storage: Path, folder: Path, path: str) -> None:
    """Assert that each point is there once and complete."""
    points = stored_points(load_plan(path, storage))
    assert [point.number for point in points] == list(range(SETTINGS["num_points"]))
    assert {point.state for point in points} == {COMPLETE}
