"""Measure the default sweep as a newcomer runs it.

Run ``python benchmarks/quickstart.py [--quick]``. The baseline is the training time of the trials
alone: their processor seconds, divided by the number of cores. ``wall_over_work`` shows what
preparation, Ray and word reading add to it. ``--quick`` runs the smoke space instead. The last line
is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from typing import Any

from machine import machine_name, print_figures


def main() -> None:
    """Run the sweep twice, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="run the smoke space, to try the program: the figures mean little")
    parser.add_argument("--local", action="store_true", help="without Ray")
    parser.add_argument("--storage-path", type=Path, help="an empty folder (default: a temporary one)")
    arguments = parser.parse_args()
    storage = arguments.storage_path or Path(tempfile.mkdtemp(prefix="raygroup-benchmark-"))
    command = [sys.executable, "-m", "raygroup.sweep", "smoke" if arguments.quick else "quickstart", "--storage-path", str(storage)]
    first_run = run_command(command + (["--local"] if arguments.local else []))
    second_run = run_command(command)
    results = read_results(storage)
    cores = len(os.sched_getaffinity(0))
    training_s = results["trial_cpu_s"] * results["trials"] / cores
    figures: dict[str, object] = {
        **first_run, "again_s": second_run["wall_s"], "cores": cores, "machine": machine_name(), "device": "cpu", **results,
        "wall_over_work": round(first_run["wall_s"] / training_s, 2),
    }  # fmt: skip
    print_figures(figures)
    print(json.dumps(figures))


def run_command(command: list[str]) -> dict[str, float]:
    """Run a command, and return its wall seconds and its peak memory.

    Memory is the sum of the proportional set sizes of the command and of all processes below it.
    """
    peak, started = 0.0, time.perf_counter()
    process = subprocess.Popen(command)
    ended = threading.Event()

    def watch() -> None:
        nonlocal peak
        while not ended.wait(0.5):
            peak = max(peak, sum(proportional_set_bytes(pid) for pid in family(process.pid)))

    watcher = threading.Thread(target=watch)
    watcher.start()
    code = process.wait()
    wall = time.perf_counter() - started
    ended.set()
    watcher.join()
    if code:
        raise SystemExit(f"{' '.join(command)}: exit code {code}")
    return {"wall_s": round(wall, 1), "peak_gib": round(peak / 2**30, 2)}


def family(root: int) -> list[int]:
    """Return the ids of a process and of all its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
    members, newest = {root}, {root}
    while newest:
        newest = {pid for pid, parent in parents.items() if parent in newest} - members
        members |= newest
    return sorted(members)


def proportional_set_bytes(pid: int) -> int:
    """Return the memory of a process, or 0 if it has ended. Shared pages count in parts."""
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def read_results(storage: Path) -> dict[str, Any]:
    """Return the mean processor seconds, and the middle trial's scores."""
    from raygroup.scoring.predictions import read_predictions, score_predictions

    done = [json.loads(path.read_text()) for path in storage.glob("*/*/DONE.json")]
    sweep = json.loads(next(storage.glob("*/sweep.json")).read_text())
    middle = sweep["trials"][len(sweep["trials"]) // 2]
    predictions = read_predictions(next(storage.glob(f"*/{middle['id']}")) / "predictions.parquet")
    results: dict[str, Any] = {"trials": len(done), "trial_cpu_s": round(sum(trial["cpu_s"] for trial in done) / len(done), 1)}
    for split in ("new", "unseen"):
        mean = score_predictions(predictions, split).mean
        results[f"{split}_one_minus_ned"] = round(mean.one_minus_ned, 3)
        results[f"{split}_exact"] = round(mean.accuracy, 3)
    return results | {"scores_of": middle["label"]}


if __name__ == "__main__":
    main()
