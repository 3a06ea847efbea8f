"""The default sweep as a newcomer runs it: wall time, memory, what each trial cost and reads. Last line: one JSON object.

Baseline: the time of the trials' own training (their processor seconds over the cores), so that ``wall_over_work`` tells what
preparing, Ray and reading add. ``--quick`` runs the smoke space instead.
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

from machine import machine_name, printed


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="the smoke space: the path, not the figures")
    parser.add_argument("--local", action="store_true", help="without Ray")
    parser.add_argument("--storage-path", type=Path, help="a fresh folder (default: a temporary one)")
    asked = parser.parse_args()
    storage = asked.storage_path or Path(tempfile.mkdtemp(prefix="raygroup-benchmark-"))
    command = [sys.executable, "-m", "raygroup.sweep", "smoke" if asked.quick else "quickstart", "--storage-path", str(storage)]
    found = measured(command + (["--local"] if asked.local else []))
    again = measured(command)
    found |= {"again_s": again["wall_s"], "cores": len(os.sched_getaffinity(0)), "machine": machine_name(), "device": "cpu"} | trials(
        storage
    )
    found["wall_over_work"] = round(found["wall_s"] / (found["trial_cpu_s"] * found["trials"] / found["cores"]), 2)
    printed(found)
    print(json.dumps(found))


def measured(command: list[str]) -> dict[str, float]:
    """Wall seconds of a command and the peak of the summed proportional set sizes of it and all it started."""
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
    """A process and all its descendants."""
    parents: dict[int, int] = {}
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            parents[int(entry.name)] = int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1])
        except (OSError, IndexError):
            continue
    found, frontier = {root}, {root}
    while frontier:
        frontier = {pid for pid, parent in parents.items() if parent in frontier} - found
        found |= frontier
    return sorted(found)


def proportional_set_bytes(pid: int) -> int:
    try:
        for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines():
            if line.startswith("Pss:"):
                return int(line.split()[1]) * 1024
    except OSError:
        pass
    return 0


def trials(storage: Path) -> dict[str, object]:
    """Mean processor seconds of the trials, and the scores of the one in the middle."""
    from raygroup.scoring.predictions import read_predictions, score_predictions

    done = [json.loads(path.read_text()) for path in storage.glob("*/*/DONE.json")]
    sweep = json.loads(next(storage.glob("*/sweep.json")).read_text())
    middle = sweep["trials"][len(sweep["trials"]) // 2]
    predictions = read_predictions(next(storage.glob(f"*/{middle['id']}")) / "predictions.parquet")
    found: dict[str, object] = {"trials": len(done), "trial_cpu_s": round(sum(trial["cpu_s"] for trial in done) / len(done), 1)}
    for split in ("new", "unseen"):
        mean = score_predictions(predictions, split).mean
        found[f"{split}_one_minus_ned"], found[f"{split}_exact"] = round(mean.one_minus_ned, 3), round(mean.accuracy, 3)
    return found | {"scores_of": middle["label"]}


if __name__ == "__main__":
    main()
