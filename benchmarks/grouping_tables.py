"""Time Tables 2 and 3 over many made-up histories, and measure their memory.

Run ``python benchmarks/grouping_tables.py [--quick] [--histories N]``. Each history has 20,000 steps of seven tasks. A process of its own
reads them once for each table. 1,000 histories should take at most 60 seconds and 2 GiB. Writing them takes longer, and needs about 4 GB
in the folder for temporary files. The last line is one JSON object.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from machine import machine_name, print_figures

from raygroup.config import Trial, trial_id
from raygroup.config_sections import fingerprint, to_json
from raygroup.files.atomic import write_json
from raygroup.history.schema import history_schema
from raygroup.storage.layout import CONFIG_FILE, DONE_FILE, HISTORY_FILE, SWEEP_FILE
from raygroup.tasks import PAPER_TASKS

STEPS = 20_000
DATA = fingerprint("made up")
_READ = """
import json, resource, sys, time
from pathlib import Path
from raygroup.tables.reproduced.table2 import table2
from raygroup.tables.table3 import table3
started = time.perf_counter()
second = len(table2(Path(sys.argv[1]), "counts").trials)
between = time.perf_counter()
third = len(table3(Path(sys.argv[1]), "epsilons").trials)
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
print(json.dumps([second + third, between - started, time.perf_counter() - between, peak]))
"""


def main() -> None:
    """Write the histories, summarise them, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="only 24 histories")
    parser.add_argument("--histories", type=int, default=1000, help="histories of both tables together (default: 1000)")
    options = parser.parse_args()
    num_histories = 24 if options.quick else options.histories
    with tempfile.TemporaryDirectory() as folder:
        write_sweeps(Path(folder), num_histories)
        command = [sys.executable, "-c", _READ, folder]
        count, second_s, third_s, peak_kib = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    figures: dict[str, object] = {
        "histories": count, "table2_s": round(second_s, 2), "table3_s": round(third_s, 2),
        "s_per_1000": round(1000 * (second_s + third_s) / count, 1), "peak_gib": round(peak_kib / 2**20, 2), "machine": machine_name(),
    }  # fmt: skip
    print_figures(figures)
    print(json.dumps(figures))


def write_sweeps(storage: Path, num_histories: int) -> None:
    """Write half of the histories for a sweep over numbers of heads, and half for one over epsilon."""
    per_point = max(1, num_histories // 12)
    base = Trial().replaced("training.steps", STEPS)
    counts = [(f"count={count} seed={seed}", base.replaced("heads.count", count).replaced("seed", seed))
              for count in range(2, 8) for seed in range(per_point)]  # fmt: skip
    epsilons = [(f"base_coefficient={value} seed={seed}", base.replaced("grouping.base_coefficient", value).replaced("seed", seed))
                for value in (0.0, 0.1, 0.2, 0.3, 0.4, 0.5) for seed in range(per_point)]  # fmt: skip
    for name, trials in (("counts", counts), ("epsilons", epsilons)):
        write_sweep(storage, name, trials)


def write_sweep(storage: Path, name: str, trials: list[tuple[str, Trial]]) -> Path:
    """Write a finished sweep of made-up histories and return its folder."""
    listed = [{"id": trial_id(name, trial, DATA), "label": label} for label, trial in trials]
    for entry, (label, trial) in zip(listed, trials, strict=True):
        _write_trial(storage / name / entry["id"], name, label, trial)
    declared = {"name": name, "hypothesis": "none", "trials": listed, "data": DATA, "written_at": "2026-01-01T00:00:00+00:00"}
    write_json(storage / name / SWEEP_FILE, declared, durable=False)
    return storage / name


def _write_trial(folder: Path, sweep: str, label: str, trial: Trial) -> None:
    folder.mkdir(parents=True)
    settings = {"label": label, "sweep": sweep, "trial": to_json(trial), "data": DATA, "tasks": list(PAPER_TASKS)}
    write_json(folder / CONFIG_FILE, settings, durable=False)
    metadata = {"config": to_json(trial), "label": label, "data": DATA, "versions": {}, "git_commit": None}
    schema = history_schema(PAPER_TASKS, trial.heads.count, metadata)
    pq.write_table(_steps(schema, trial), folder / HISTORY_FILE, compression="zstd", use_dictionary=False,
                   use_byte_stream_split=True, write_page_checksum=True)  # fmt: skip
    write_json(folder / DONE_FILE, {"steps": trial.training.steps, "finished_at": "2026-01-01T00:00:00+00:00"}, durable=False)


def _steps(schema: pa.Schema, trial: Trial) -> pa.Table:
    """Return rows whose R_TM walks from all ones."""
    walk, steps = np.random.default_rng(trial.seed), trial.training.steps
    columns = []
    for field in schema:
        if pa.types.is_fixed_size_list(field.type):
            moves = walk.normal(0, 0.02, (steps, field.type.list_size)).astype(np.float32)
            columns.append(pa.FixedSizeListArray.from_arrays(pa.array((1 + np.cumsum(moves, axis=0)).ravel()), type=field.type))
        elif field.name == "step":
            columns.append(pa.array(np.arange(1, steps + 1), field.type))
        else:
            columns.append(pa.array(np.full(steps, 1.0), field.type))
    return pa.Table.from_arrays(columns, schema=schema)


if __name__ == "__main__":
    main()
