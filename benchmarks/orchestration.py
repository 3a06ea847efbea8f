"""Measure what scheduling on Ray costs beside training.

Run ``python benchmarks/orchestration.py [--quick]``. It measures empty trials, plans of ten thousand
trials, the driver's memory, and the time to the first step. The last line is one JSON object.

- ``empty_trial_s``: the time of one of 30 trials of one step, without start-up. Start-up is the time
  of a sweep with one trial for each core, after which all worker processes have started.
- ``wall_over_work``: the wall time of a sweep of trials of about a minute, over the time that the
  trials take from opening their folders to DONE, with one trial on each core.
- ``wall_over_cpu``: the same wall time over the processor seconds of the trials.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from machine import machine_name, print_figures

SPACE = """
\"\"\"Hypothesis: none; trials of one length.\"\"\"

from raygroup.config import Training, Trial, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="{name}",
    trial=Trial(words=Words(words_per_task=12, unseen_per_task=3, renders=2), training=Training(steps={steps}, checkpoint_every=200)),
    seeds=tuple(range({trials})),
)
"""
CORES = len(os.sched_getaffinity(0))


@dataclass(frozen=True)
class Sweeps:
    """Sweeps of equal trials, at one storage path."""

    folder: Path
    options: tuple[str, ...]

    def run(self, name: str, steps: int, trials: int) -> float:
        """Run a sweep, and return its wall seconds."""
        command = self.command(name, steps, trials)
        began = time.perf_counter()
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
        return time.perf_counter() - began

    def command(self, name: str, steps: int, trials: int) -> list[str]:
        """Write a search space whose trials differ in their seed, and return the command of its sweep."""
        path = self.folder / f"{name}.py"
        path.write_text(SPACE.format(name=name, steps=steps, trials=trials))
        return [sys.executable, "-m", "raygroup.sweep", str(path), "--storage-path", str(self.folder / "runs"), *self.options]

    def folder_of(self, name: str) -> Path:
        return self.folder / "runs" / name


def main() -> None:
    """Run the sweeps, print the figures, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few trials without Ray, to try the program: the figures mean little")
    quick = parser.parse_args().quick
    folder = Path(tempfile.mkdtemp(prefix="raygroup-benchmark-"))
    Sweeps(folder, ("--local",)).run("prepared", 1, 1)  # writes the words and features that all sweeps share
    # Trials of another sweep that are the same would be reused.
    sweeps = Sweeps(folder, ("--no-reuse", *(["--local"] if quick else [])))
    figures: dict[str, object] = {"cores": CORES, "machine": machine_name(), "device": "cpu"}
    figures |= time_empty_trials(sweeps, 3 if quick else 30)
    figures |= {"history_3000_s": time_history(3000)}
    figures |= time_working_trials(sweeps, trials=2 if quick else 6, steps=40 if quick else 2700)
    figures |= time_plan(sweeps, *((200, 4) if quick else (10_000, 20)))
    print_figures(figures)
    print(json.dumps(figures))


def time_empty_trials(sweeps: Sweeps, count: int) -> dict[str, object]:
    """Return the seconds of an empty trial, start-up and first step.

    The words of these sweeps are ready.
    """
    began = time.time()
    few = sweeps.run("few", 1, CORES)
    first_step = min(first_step_times(sweeps.folder_of("few"))) - began
    many = sweeps.run("many", 1, CORES + count)
    return {"empty_trial_s": round((many - few) / count, 3), "first_step_s": round(first_step, 1), "start_up_s": round(few, 1)}


def time_working_trials(sweeps: Sweeps, trials: int, steps: int) -> dict[str, object]:
    """Return a sweep's wall time over the time of its trials."""
    wall = sweeps.run("work", steps, trials)
    done = [json.loads(path.read_text()) for path in sweeps.folder_of("work").glob("*/DONE.json")]
    work, cpu = (sum(trial[name] for trial in done) for name in ("wall_s", "cpu_s"))
    ratios = {"wall_over_work": round(wall / (work / CORES), 3), "wall_over_cpu": round(wall / (cpu / CORES), 3)}
    return ratios | {"trial_s": round(work / len(done), 1), "trials": len(done)}


def time_plan(sweeps: Sweeps, trials: int, done: int) -> dict[str, object]:
    """Return the planning time of so many trials, and the driver's memory.

    Memory is the most that the driver and its watcher hold until ``done`` trials are done.
    """
    command = sweeps.command("wide", 1, trials)
    began = time.perf_counter()
    subprocess.run([*command, "--dry-run"], check=True, stdout=subprocess.DEVNULL)
    plan_s = time.perf_counter() - began
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    watcher_mb, driver_mb = 0.0, 0.0
    while len(list(sweeps.folder_of("wide").glob("*/DONE.json"))) < done and process.poll() is None:
        watcher_mb = max(watcher_mb, resident_mb(process.pid))
        driver_mb = max([driver_mb, *(resident_mb(child) for child in children(process.pid))])
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.wait(120)
    return {
        "plan_10000_s": round(plan_s, 2),
        "driver_rss_mb": round(max(driver_mb, watcher_mb)),
        "watcher_rss_mb": round(watcher_mb),
        "planned": trials,
    }


def time_history(steps: int) -> float:
    """Return the seconds for recording steps of seven tasks and five heads."""
    from raygroup.history.writer import HistoryWriter

    r_tm, nll_m = np.random.default_rng(0).random((7, 5), np.float32), np.ones(5, np.float32)
    with tempfile.TemporaryDirectory() as folder:
        began = time.perf_counter()
        with HistoryWriter(Path(folder), 1, list("abcdefg"), 5, {}) as writer:
            for step in range(1, steps + 1):
                writer.append(step, r_tm, nll_m, 1.0, 1.0, 1.0, 1.0, 1.0)
                if step % 100 == 0:
                    writer.flush()
    return round(time.perf_counter() - began, 3)


def first_step_times(sweep_folder: Path) -> list[float]:
    """Return the Unix time at which each trial finished its first step."""
    from raygroup.history.reader import read_history

    return [float(read_history(path.parent).clock_s[0]) for path in sweep_folder.glob("*/DONE.json")]


def children(pid: int) -> list[int]:
    """Return the ids of a process's children.

    There are none if it has ended.
    """
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def resident_mb(pid: int) -> float:
    """Return the resident memory of a process, or 0."""
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:")), 0.0)


if __name__ == "__main__":
    main()
