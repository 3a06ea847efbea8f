"""What scheduling costs beside training: empty trials, plans of ten thousand, the driver's memory, the way to the first step. On Ray.

Baselines stand in the names: ``empty_trial_s`` is what 30 trials of one step take beyond start-up, which is a sweep of one such trial a
core, so that all worker processes have begun; ``wall_over_work`` the wall time of a sweep of trials of about a minute over the time they
took by themselves, from opening their folders to DONE, as many at once as there are cores; ``wall_over_cpu`` over their processor
seconds. Last line: one JSON object. ``--quick`` runs small numbers.
"""

import argparse
import json
import os
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import machine_name, printed

SPACE = """
\"\"\"Hypothesis: none; trials of one length.\"\"\"

from raygroup.config import Training, Trial, Words
from raygroup.search_space import Sweep

sweep = Sweep(
    name="{name}",
    trial=Trial(words=Words(words_per_task=12, unseen_per_task=3, renders=2), training=Training(steps={steps}, checkpoint_every=200)),
    seeds=tuple(range({first}, {last})),
)
"""
CORES = len(os.sched_getaffinity(0))


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="few trials: the path, not the figures")
    quick = parser.parse_args().quick
    folder = Path(tempfile.mkdtemp(prefix="raygroup-benchmark-"))
    sweep(folder, "prepared", steps=1, last=1)
    found: dict[str, object] = {"cores": CORES, "machine": machine_name(), "device": "cpu"}
    found |= empty_trials(folder, 3 if quick else 30)
    found |= {"history_3000_s": history(3000)}
    found |= working(folder, trials=2 if quick else 6, steps=40 if quick else 2700)
    found |= planned(folder, 200 if quick else 10_000)
    printed(found)
    print(json.dumps(found))


def empty_trials(folder: Path, count: int) -> dict[str, object]:
    """Seconds of an empty trial beyond start-up, and from the command to the first step of a sweep whose words are there."""
    began = time.time()
    few, _ = sweep(folder, "few", steps=1, last=CORES)
    first_step = min(first_steps(folder / "runs" / "few")) - began
    many, _ = sweep(folder, "many", steps=1, last=CORES + count)
    return {"empty_trial_s": round((many - few) / count, 3), "first_step_s": round(first_step, 1), "start_up_s": round(few, 1)}


def working(folder: Path, trials: int, steps: int) -> dict[str, object]:
    wall, _ = sweep(folder, "work", steps=steps, last=trials)
    done = [json.loads(path.read_text()) for path in (folder / "runs" / "work").glob("*/DONE.json")]
    work, cpu = (sum(trial[name] for trial in done) for name in ("wall_s", "cpu_s"))
    ratios = {"wall_over_work": round(wall / (work / CORES), 3), "wall_over_cpu": round(wall / (cpu / CORES), 3)}
    return ratios | {"trial_s": round(work / len(done), 1), "trials": len(done)}


def planned(folder: Path, trials: int) -> dict[str, object]:
    """Seconds to plan so many trials, and the most memory that the driver's processes hold until some of them are done."""
    path = space(folder, "wide", steps=1, last=trials)
    began = time.perf_counter()
    subprocess.run([*command(folder, path), "--dry-run"], check=True, stdout=subprocess.DEVNULL)
    plan_s = time.perf_counter() - began
    process = subprocess.Popen(command(folder, path), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, start_new_session=True)
    watcher, driver = 0.0, 0.0
    while len(list((folder / "runs" / "wide").glob("*/DONE.json"))) < 20 and process.poll() is None:
        watcher = max(watcher, resident_mb(process.pid))
        driver = max([driver, *(resident_mb(child) for child in children(process.pid))])
        time.sleep(0.2)
    process.send_signal(signal.SIGINT)
    process.wait(120)
    return {
        "plan_10000_s": round(plan_s, 2),
        "driver_rss_mb": round(max(driver, watcher)),
        "watcher_rss_mb": round(watcher),
        "planned": trials,
    }


def history(steps: int) -> float:
    """Seconds to record so many steps of seven tasks and five heads."""
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


def sweep(folder: Path, name: str, steps: int, last: int) -> tuple[float, Path]:
    path = space(folder, name, steps=steps, last=last)
    began = time.perf_counter()
    subprocess.run(command(folder, path), check=True, stdout=subprocess.DEVNULL)
    return time.perf_counter() - began, path


def space(folder: Path, name: str, steps: int, last: int) -> Path:
    path = folder / f"{name}.py"
    path.write_text(SPACE.format(name=name, steps=steps, first=0, last=last))
    return path


def command(folder: Path, path: Path) -> list[str]:
    return [sys.executable, "-m", "raygroup.sweep", str(path), "--storage-path", str(folder / "runs")]


def first_steps(sweep_folder: Path) -> list[float]:
    """When each trial ended its first step (Unix time)."""
    from raygroup.history.reader import read_history

    return [float(read_history(path.parent).clock_s[0]) for path in sweep_folder.glob("*/DONE.json")]


def children(pid: int) -> list[int]:
    try:
        return [int(child) for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except OSError:
        return []


def resident_mb(pid: int) -> float:
    try:
        lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    except OSError:
        return 0.0
    return next((int(line.split()[1]) / 1000 for line in lines if line.startswith("VmRSS:")), 0.0)


if __name__ == "__main__":
    main()
