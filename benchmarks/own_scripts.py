"""Train on five scripts, two of them new to the shipped trunk, and compare with the shipped weights.

Run ``python benchmarks/own_scripts.py --list thai=thai.txt --list cyrillic=cyrillic.txt [--quick]``.
A list is a text file with one word on each line. A few thousand words are enough. The benchmark
renders 600 words each of Latin, Korean, Hindi and the listed scripts. It trains a trial on them with
the shipped weights. Then it runs ``pretrain`` (search space ``pretrain_own``) on these words and
lists, from the shipped weights and on one thread, and trains the same trial with the result. The last
line is one JSON object: exact match on unseen words, routed by the classifier, before and after, and
the processor time of ``pretrain``.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

from machine import machine_name, print_figures
from timing import prepare_process

from raygroup.config import Heads, Pretraining, Training, Trial, Words
from raygroup.data.render_words import drawing_settings, render_words
from raygroup.pretrain.__main__ import OWN
from raygroup.pretrain.words import pretrain
from raygroup.search_space import Sweep, load
from raygroup.sweep import run_sweep
from raygroup.words.rendering.own_lists import parse_own_list

BUILT_IN = ("la", "ko", "hi")


def main() -> None:
    """Measure, and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--list", action="append", required=True, metavar="TASK=FILE", help="a word list of a new script; may be repeated")
    parser.add_argument("--unseen", type=int, default=200, help="unseen words of each task (default: 200)")
    parser.add_argument("--quick", action="store_true", help="a few words and steps, which show nothing but that it runs")
    options = parser.parse_args()
    lists = [parse_own_list(text) for text in options.list]
    with tempfile.TemporaryDirectory() as name:
        figures = measure(Path(name), lists, options.unseen, quick=options.quick)
    print_figures(figures)
    print(json.dumps(figures))


def measure(folder: Path, lists: list[tuple[str, Path]], unseen: int, *, quick: bool) -> dict[str, object]:
    """Return exact match on unseen words by task, before and after, and the processor seconds of the training."""
    prepare_process()
    words, weights = folder / "words.parquet", folder / "own.safetensors"
    counts = {"words_per_task": 12, "unseen_per_task": 4, "renders": 1} if quick else {"words_per_task": 600, "unseen_per_task": unseen}
    render_words(words, lists, drawing_settings(BUILT_IN, **counts), BUILT_IN)
    before = unseen_accuracy(folder, words, "laptop", quick=quick)
    settings = load(OWN, "pretraining", Pretraining)
    if quick:
        few = Words(words_per_task=12, unseen_per_task=4, renders=1, seed=1)
        settings = Pretraining(words=few, steps=4, head_steps=4, heads=settings.heads)
    started = time.process_time()
    pretrain(settings, weights, words=words, lists=lists, start="laptop", storage_path=folder / "runs", progress=True)
    seconds = time.process_time() - started
    after = unseen_accuracy(folder, words, str(weights), quick=quick)
    new_scripts = [task for task, _ in lists]
    return {
        "pretrain_cpu_min": round(seconds / 60, 1), "steps": settings.steps, "unseen_words_per_task": counts["unseen_per_task"],
        "lowest_new_script": min(after[task] for task in new_scripts),
        "largest_loss": round(max(before[task] - after[task] for task in BUILT_IN), 4), "before": before, "after": after,
        "machine": machine_name("cpu"),
    }  # fmt: skip


def unseen_accuracy(folder: Path, words: Path, weights: str, *, quick: bool) -> dict[str, float]:
    """Train one trial with these weights, and return each task's exact match on unseen words, routed by its classifier."""
    training = Training(steps=4, batch=8) if quick else Training()
    sweep = Sweep(name=f"five-{Path(weights).stem}", trial=Trial(heads=Heads(count=3), training=training))
    result = run_sweep(sweep, storage_path=folder / "runs", words=words, weights=weights, local=True, progress=True)
    rows = result.task_scores().to_pylist()
    return {row["task"]: round(row["accuracy"], 4) for row in rows if row["split"] == "unseen"}


if __name__ == "__main__":
    main()
