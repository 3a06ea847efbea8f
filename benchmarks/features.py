"""What ``python -m raygroup.features`` costs: words a second, and memory, which must not grow with the data set.

Two data sets, one eight times the other, through the whole command; the peak of every process of it. Last line: one JSON object;
``worker_ratio`` and ``driver_ratio`` (peak memory, large over small) are to stay near 1. Baseline: the features of the large data set in
memory, ``features_mb``. ``read_48_us`` is what a training step waits for its 48 words, from the page cache.
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
from machine import machine_name, printed

from raygroup.config import Words
from raygroup.words.feature_store import FeatureStore
from raygroup.words.rendering.synthesis import draw_png, fonts_of, plan_crops

WORDS = Words(tasks=("hi", "la"), characters=(20, 20), words_per_task=24, unseen_per_task=4, renders=1)
TIMES = 8


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer words")
    parser.add_argument("--ray", action="store_true", help="on Ray, not in a process pool; its own processes are not counted")
    asked = parser.parse_args()
    few = 2048 if asked.quick else 16384
    more = [] if asked.ray else ["--local"]
    with tempfile.TemporaryDirectory(prefix="raygroup-benchmark-") as folder:
        small, large = (measured(Path(folder), words, more) for words in (few, TIMES * few))
        store = next(Path(folder).glob(f"runs-{TIMES * few}/cache/features-*/features.json"))
        read_us = reading_us(FeatureStore(store))
    found = {
        "words": TIMES * few, "words_per_s": round(TIMES * few / large["wall_s"]), "features_mb": round(TIMES * few * 12288 / 1e6),
        "worker_mb": large["worker_mb"], "worker_ratio": round(large["worker_mb"] / small["worker_mb"], 3),
        "driver_mb": large["driver_mb"], "driver_ratio": round(large["driver_mb"] / small["driver_mb"], 3),
        "read_48_us": round(read_us, 1), "device": machine_name(),
    }  # fmt: skip
    printed(found)
    print(json.dumps(found))


def measured(folder: Path, words: int, more: list[str]) -> dict[str, float]:
    """Wall seconds of the command, and the peak resident MB of its driver and of the largest other process."""
    data = write_words(folder / f"{words}.parquet", words)
    command = [sys.executable, "-m", "raygroup.features", str(data), "--storage-path", str(folder / f"runs-{words}"), *more]
    began = time.perf_counter()
    driver = subprocess.Popen(command, stdout=subprocess.DEVNULL, env=os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])})
    peaks: dict[int, float] = {}
    while driver.poll() is None:
        peaks |= peaks_below(driver.pid)
        time.sleep(0.1)
    wall_s = time.perf_counter() - began
    if driver.returncode:
        raise SystemExit(f"{' '.join(command)}: exit code {driver.returncode}")
    own = peaks.pop(driver.pid)
    return {"wall_s": wall_s, "driver_mb": round(own), "worker_mb": round(max(peaks.values()))}


def peaks_below(pid: int) -> dict[int, float]:
    """Process -> its peak resident MB so far: this one, its workers and theirs; of Ray's, the workers alone."""
    found, parents = {}, {}
    for path in Path("/proc").glob("[0-9]*/status"):
        try:
            facts = dict(line.split(":\t", 1) for line in path.read_text().splitlines() if ":\t" in line)
        except (FileNotFoundError, ProcessLookupError):
            continue
        parents[int(facts["Pid"])] = int(facts["PPid"])
        if "VmHWM" in facts and not facts["Name"].startswith(("raylet", "gcs", "ray::IDLE", "ray::Dash")):
            found[int(facts["Pid"])] = int(facts["VmHWM"].split()[0]) * 1024 / 1e6

    def is_below(child: int) -> bool:
        return child == pid or (child in parents and is_below(parents[child]))

    return {child: peak for child, peak in found.items() if is_below(child)}


def reading_us(features: FeatureStore) -> float:
    """Median microseconds for 48 words anywhere in the store."""
    draws, took = np.random.default_rng(0), []
    for _ in range(2000):
        rows = draws.integers(0, len(features), 48)
        began = time.perf_counter()
        features.rows(rows)
        took.append(time.perf_counter() - began)
    return 1e6 * float(np.median(took))


def write_words(path: Path, count: int) -> Path:
    """A Parquet file of the same few rendered words again and again, a row group at a time."""
    fonts = fonts_of(WORDS, None)
    drawn = [(order, draw_png(order, WORDS, fonts[order.task])) for order in plan_crops(WORDS)]
    orders = [order for order, _ in drawn]
    columns = {"image": [image for _, image in drawn], "text": [o.text for o in orders], "task": [o.task for o in orders]}
    block = pa.table({name: [values[row % len(drawn)] for row in range(2048)] for name, values in columns.items()})
    with pq.ParquetWriter(path, block.schema) as file:
        for _ in range(count // 2048):
            file.write_table(block)
    return path


if __name__ == "__main__":
    main()
