"""Time ``python -m raygroup.reproduce all`` on made-up sweeps of the paper's size.

Run ``python benchmarks/reproduced_tables.py [--quick] [--steps N]``. The sweeps have 18 trials for Table 2, 18 for Table 3,
three for Table 4, and 48 for Table 5 with as many of stage 3. Each trial has 20,000 steps and 2,800 tested words. The command reads them,
writes all files and draws all pictures, which should take at most 20 seconds. Processor seconds say what it takes on a machine that does
other work too. The last line is one JSON object.
"""

import argparse
import itertools
import json
import resource
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from grouping_tables import STEPS, write_sweep
from machine import machine_name, print_figures

from raygroup.config import Grouping, Heads, Trial
from raygroup.files.atomic import write_json
from raygroup.scoring.predictions import write_predictions
from raygroup.storage.layout import CONFIG_FILE, PREDICTIONS_FILE, SWEEP_FILE, WORD_FACTS_FILE
from raygroup.tasks import PAPER_TASKS
from raygroup.words.word_facts import WordFacts, write_word_facts

EPSILONS = (0.0, 0.1, 0.2, 0.3, 0.4)
ARRANGEMENTS = (*((count, "gumbel") for count in range(1, 8)), (7, "one-per-task"))
TESTED_WORDS = 200
"""Of each task and split, as many as a trial reads at most."""


def main() -> None:
    """Write the sweeps, reproduce all tables, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="two seeds and 300 steps")
    parser.add_argument("--steps", type=int, default=STEPS, help=f"steps of a history (default: {STEPS:,})")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        trials = write_storage(Path(folder), 300 if options.quick else options.steps, 2 if options.quick else 6)
        cpu_s = {f"{name}_cpu_s": _reproduce(name, folder)[1] for name in ("table2", "table3", "table4", "table5")}
        all_s, all_cpu_s = _reproduce("all", folder)
    figures: dict[str, object] = {"trials": trials, "all_s": all_s, "all_cpu_s": all_cpu_s, **cpu_s, "machine": machine_name()}
    print_figures(figures)
    print(json.dumps(figures))


def write_storage(storage: Path, steps: int, seeds: int) -> int:
    """Write the sweeps of all tables and return the number of trials. ``seeds`` is for Table 5. Other tables have half as many."""
    base = Trial().replaced("training.steps", steps)
    few, sized = range(seeds // 2), base.replaced("heads", Heads(count=7, embed=(8, 12, 16, 8, 12, 16, 20), hidden=(24,) * 3 + (32,) * 4))
    control = base.replaced("grouping", Grouping(control=True))
    arranged = [(f"count={count} method={method} seed={seed}", _arranged(base, count, method, seed))
                for (count, method), seed in itertools.product(ARRANGEMENTS, range(seeds))]  # fmt: skip
    sweeps = {
        "counts": [(f"count={m} seed={s}", base.replaced("heads.count", m).replaced("seed", s)) for m in range(2, 8) for s in few],
        "epsilons": [(f"base_coefficient={epsilon} seed={s}", base.replaced("grouping.base_coefficient", epsilon).replaced("seed", s))
                     for epsilon in EPSILONS for s in few],
        "control": [(f"seed={s}", control.replaced("seed", s)) for s in few],
        "sizes": [(f"seed={s}", sized.replaced("seed", s)) for s in few],
        "arranged": arranged,
        "finetuned": [(label, trial.replaced("grouping.base_coefficient", 0.0)) for label, trial in arranged],
    }  # fmt: skip
    for name, trials in sweeps.items():
        _add_words(write_sweep(storage, name, trials))
    _link(storage, "arranged", "finetuned")
    return sum(map(len, sweeps.values()))


def _arranged(base: Trial, count: int, method: str, seed: int) -> Trial:
    return base.replaced("heads.count", count).replaced("grouping.method", method).replaced("seed", seed)


def _add_words(sweep_folder: Path) -> None:
    """Add tested words and word facts to every trial of a sweep."""
    characters = {task: frozenset(map(chr, range(0x4E00 + 100 * place, 0x4E32 + 100 * place))) for place, task in enumerate(PAPER_TASKS)}
    rows = [
        (split, task, f"word{number}", f"word{number // 2 * 2}", f"word{number}", task, 0, 0.75, None)
        for split in ("new", "unseen")
        for task in PAPER_TASKS
        for number in range(TESTED_WORDS)
    ]
    names = ("split", "task", "text", "reading", "reading_by_true_task", "routed_task", "head", "confidence", "image")
    columns = dict(zip(names, map(list, zip(*rows, strict=True)), strict=True))
    for folder in filter(Path.is_dir, sweep_folder.iterdir()):
        write_word_facts(folder / WORD_FACTS_FILE, WordFacts(352, (24, 256), characters, frozenset(), (), "cpu", 1))
        write_predictions(folder / PREDICTIONS_FILE, columns)


def _link(storage: Path, earlier: str, later: str) -> None:
    """Let each trial start from its counterpart in another sweep."""
    stored = {name: json.loads((storage / name / SWEEP_FILE).read_text()) for name in (earlier, later)}
    write_json(storage / later / SWEEP_FILE, {**stored[later], "after": earlier}, durable=False)
    for before, after in zip(stored[earlier]["trials"], stored[later]["trials"], strict=True):
        path = storage / later / after["id"] / CONFIG_FILE
        write_json(path, {**json.loads(path.read_text()), "start": f"{earlier}/{before['id']}"}, durable=False)


def _reproduce(table: str, storage: str) -> tuple[float, float]:
    """Return wall seconds and processor seconds of the command."""
    command = [sys.executable, "-m", "raygroup.reproduce", table, "--storage-path", storage]
    started, before = time.perf_counter(), resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run(command, check=True, capture_output=True)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    return round(time.perf_counter() - started, 2), round(cpu_s, 2)


if __name__ == "__main__":
    main()
