"""Measure the speed and the memory of ``python -m raygroup.features``.

Run ``python benchmarks/features.py [--quick] [--ray]``. The whole command runs on two data sets, one
eight times as large as the other. Memory must not grow with the data set, so ``worker_ratio`` and
``driver_ratio`` should stay near 1: they are the peak memory with the large data set over the peak
with the small one. The baseline is ``features_mb``, the features of the large data set in memory.
``read_48_us`` is the time in which a training step reads its 48 words from the page cache. The last
line is one JSON object.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from machine import machine_name, print_figures

from raygroup.config import Words
from raygroup.words.feature_store import FeatureStore
from raygroup.words.rendering.synthesis import draw_png, fonts_of, plan_crops

WORDS = Words(tasks=("hi", "la"), characters=(20, 20), words_per_task=24, unseen_per_task=4, renders=1)
TIMES = 8
"""Size of the large data set over the small one."""
BLOCK_WORDS = 1024
"""Both sizes are multiples of it."""


def main() -> None:
    """Extract both data sets, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer words, the large data set twice the small one")
    parser.add_argument("--ray", action="store_true", help="use Ray instead of a process pool; Ray's own processes are not counted")
    arguments = parser.parse_args()
    few, many = (1024, 2048) if arguments.quick else (16384, TIMES * 16384)
    options = [] if arguments.ray else ["--local"]
    with tempfile.TemporaryDirectory(prefix="raygroup-benchmark-") as folder:
        small, large = (run_command(Path(folder), words, options) for words in (few, many))
        store = next(Path(folder).glob(f"runs-{many}/cache/features-*/features.json"))
        read_us = time_reading_us(FeatureStore(store))
    figures: dict[str, object] = {
        "words": many, "words_per_s": round(many / large["wall_s"]), "features_mb": round(many * 12288 / 1e6),
        "worker_mb": large["worker_mb"], "worker_ratio": round(large["worker_mb"] / small["worker_mb"], 3),
        "driver_mb": large["driver_mb"], "driver_ratio": round(large["driver_mb"] / small["driver_mb"], 3),
        "read_48_us": round(read_us, 1), "device": machine_name(),
    }  # fmt: skip
    print_figures(figures)
    print(json.dumps(figures))


def run_command(folder: Path, words: int, options: list[str]) -> dict[str, float]:
    """Run the command, and return its wall seconds and its peak memory.

    Memory is the resident MB of its driver and of its largest other process.
    """
    data = write_words(folder / f"{words}.parquet", words)
    command = [sys.executable, "-m", "raygroup.features", str(data), "--storage-path", str(folder / f"runs-{words}"), *options]
    began = time.perf_counter()
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])})
    peaks: dict[int, float] = {}
    while driver.poll() is None:
        peaks |= peaks_below(driver.pid)
        time.sleep(0.1)
    wall_s = time.perf_counter() - began
    if driver.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {driver.returncode}")
    driver_mb = peaks.pop(driver.pid)
    return {"wall_s": wall_s, "driver_mb": round(driver_mb), "worker_mb": round(max(peaks.values()))}


def peaks_below(pid: int) -> dict[int, float]:
    """Return the peak resident MB of a process and all below it.

    Keys are process ids. Of Ray's processes only the workers count.
    """
    peaks, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            facts = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(facts["Pid"])] = int(facts["PPid"])
        if "VmHWM" in facts and not facts["Name"].startswith(("raylet", "gcs", "ray::IDLE", "ray::Dash")):
            peaks[int(facts["Pid"])] = int(facts["VmHWM"].split()[0]) * 1024 / 1e6

    def is_below(child: int) -> bool:
        return child == pid or (child in parents and is_below(parents[child]))

    return {child: peak for child, peak in peaks.items() if is_below(child)}


def time_reading_us(features: FeatureStore) -> float:
    """Return the median microseconds for reading 48 random words of a store."""
    draws, times = np.random.default_rng(0), []
    for _ in range(2000):
        rows = draws.integers(0, len(features), 48)
        began = time.perf_counter()
        features.rows(rows)
        times.append(time.perf_counter() - began)
    return 1e6 * float(np.median(times))


def write_words(path: Path, count: int) -> Path:
    """Write a Parquet file that repeats a few rendered words."""
    fonts = fonts_of(WORDS, None)
    drawn = [(order, draw_png(order, WORDS, fonts[order.task])) for order in plan_crops(WORDS)]
    orders = [order for order, _ in drawn]
    columns = {"image": [image for _, image in drawn], "text": [o.text for o in orders], "task": [o.task for o in orders]}
    block = pa.table({name: [values[row % len(drawn)] for row in range(BLOCK_WORDS)] for name, values in columns.items()})
    with pq.ParquetWriter(path, block.schema) as file:
        for _ in range(count // BLOCK_WORDS):
            file.write_table(block)
    return path


if __name__ == "__main__":
    main()
