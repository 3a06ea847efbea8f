"""Train a compact spotter by one plan, and score scenes that it was never trained on.

Run ``python benchmarks/whole_spotter.py OUT [--seed N] [--quick]``; run it again to continue. It renders scenes,
trains the detector, the reader and five grouped heads on one thread, exports the spotter with thresholds chosen on 48 validation
scenes, and scores 150 test scenes. ``OUT/spotter`` is the spotter. The last line is one JSON object: the scores of tasks 1, 3 and 4 of
MLT19 for each purpose, with 95 % intervals from resampled scenes, and the processor minutes of each part. Rendering is not in their sum.
"""

import argparse
import json
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from machine import machine_name, print_figures
from timing import prepare_process

import raygroup
from raygroup.config import Pretraining, Words
from raygroup.data.__main__ import main as data_command
from raygroup.data.render import render_scenes
from raygroup.data.render_words import drawing_settings, render_words
from raygroup.end_to_end.score_interval import hmean_interval
from raygroup.export.spotter import export_spotter
from raygroup.pretrain.detector import DETECTOR, pretrain_detector
from raygroup.pretrain.words import pretrain
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.scene_store import read_scenes
from raygroup.search_space import load
from raygroup.spotter_config import Detector
from raygroup.spotting.scene_reading import read_labelled_scenes
from raygroup.spotting.spotter import SpottingThresholds
from raygroup.spotting.threshold_choice import LabelledScene, score_scenes

READER, HEADS = "pretrain_spotter_reader", "spotter_heads"
PLAIN = SceneSettings(seed=1)
BUSY = SceneSettings(seed=2, largest_text=0.5, vertical=0.15, clutter=0.6, textless=0.08)
"""Half of the scenes have what photographs have: large and vertical text, clutter, and no text at all."""
LICENSES = """All words and scenes that this spotter was trained on, and those that chose its thresholds, were rendered by raygroup: words
from the word lists of the Python package wordfreq (code Apache-2.0, data CC BY-SA 4.0), drawn with fonts of Noto and Hind Siliguri under
the SIL Open Font License 1.1, on backgrounds that raygroup draws. No photograph was used. The weights are under Apache-2.0."""
TASKS = (1, 3, 4)


def main() -> None:
    """Train, score and print the figures."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("out", type=Path, help="folder of everything: scenes, weights, runs, and the spotter")
    parser.add_argument("--seed", type=int, default=0, help="seed of the detector, the reader and the heads (default: 0)")
    parser.add_argument("--scenes", type=Path, help="folder of rendered and imported scenes of another run (default: OUT/scenes)")
    parser.add_argument("--quick", action="store_true", help="a few scenes and steps, which show nothing but that it runs")
    options = parser.parse_args()
    prepare_process()
    scenes = options.scenes or options.out / "scenes"
    make_scenes(scenes, quick=options.quick)
    minutes = train(options.out, scenes, options.seed, quick=options.quick)
    figures: dict[str, object] = {"seed": options.seed, "processor_minutes": minutes, "sum_of_minutes": round(sum(minutes.values()), 1)}
    figures |= score(options.out / "spotter", scenes / "test")
    figures["machine"] = machine_name()
    print_figures(figures)
    print(json.dumps(figures))


def make_scenes(folder: Path, *, quick: bool) -> None:
    """Render and import the scenes that are not there yet."""
    counts = {"plain": 12, "busy": 3, "val": 3, "test": 3} if quick else {"plain": 2000, "busy": 2000, "val": 48, "test": 150}
    settings = {"plain": PLAIN, "busy": BUSY, "val": SceneSettings(split="val"), "test": SceneSettings(split="test")}
    for name, each in settings.items():
        rendered = folder / "rendered" / name
        render_scenes(rendered, each, counts[name])
        part = name if name in ("val", "test") else "train"
        done = folder / f"{name}.done"
        if not done.exists():
            copies = ["--copies", "2"] if part == "train" else []
            code = data_command(["import", str(rendered), "--out", str(folder / part), "--name", name, "--margin", "0.1", *copies])
            if code:
                raise SystemExit(code)
            done.touch()


def train(out: Path, scenes: Path, seed: int, *, quick: bool) -> dict[str, float]:
    """Train the parts that are not there yet, and return the processor minutes of each."""
    storage, files = out / "runs", {name: out / f"{name}.safetensors" for name in ("detector", "reader")}
    detector = replace(load(DETECTOR, "detector", Detector), seed=seed)
    reader = replace(load(READER, "pretraining", Pretraining), seed=seed)
    sweep = load(HEADS)
    sweep = replace(sweep, trial=replace(sweep.trial, seed=seed))
    if quick:
        detector = replace(detector, samples=replace(detector.samples, side=64), training=replace(detector.training, steps=2, batch=2))
        reader = replace(reader, steps=2, head_steps=2, rehearsal=10)
        sweep = replace(sweep, trial=sweep.trial.replaced("training.steps", 4).replaced("training.batch", 8))
    words = scenes / "train" / "words"

    def train_heads() -> None:
        raygroup.run_sweep(sweep, storage_path=storage, words=words, weights=files["reader"], local=True, progress=True)

    def export() -> None:
        export_spotter(
            sweep.name, out / "spotter", detector=files["detector"], scenes=scenes / "val", storage_path=storage, best=True, onnx=not quick,
            force=True, licenses=LICENSES,
        )  # fmt: skip

    parts: dict[str, Callable[[], object]] = {
        "detector": lambda: pretrain_detector(
            detector, files["detector"], scenes=scenes / "train", storage_path=storage, progress=True
        ),
        "reader": lambda: pretrain(reader, files["reader"], words=words, start="laptop", storage_path=storage, progress=True),
        "heads": train_heads,
        "export": export,
    }  # fmt: skip
    minutes = {}
    for name, part in parts.items():
        if name == "heads":
            add_rendered_words(words, 20 if quick else 4000)
        minutes[name] = timed(out / f"{name}.minutes", part)
    return minutes


def add_rendered_words(words: Path, count: int) -> None:
    """Draw words of the built-in lists beside those of scenes, unless they are there. The reader draws its own."""
    tasks = Words().tasks
    settings = drawing_settings(
        tasks, (600, ()), words_per_task=count, unseen_per_task=100, renders=1, max_characters=14, seed=2,
    )  # fmt: skip
    render_words(words / "rendered.parquet", (), settings, tasks)


def timed(file: Path, part: Callable[[], object]) -> float:
    """Run a part, and keep its processor minutes in a file. A part whose file is there is not run again."""
    if not file.exists():
        started, children = time.process_time(), children_s()
        part()
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(f"{(time.process_time() - started + children_s() - children) / 60:.2f}")
    return float(file.read_text())


def children_s() -> float:
    """Return the processor seconds of child processes, and of theirs. Trials run in children of Python's fork server, so it ends first."""
    import multiprocessing.forkserver
    import resource

    multiprocessing.forkserver._forkserver._stop()  # type: ignore[attr-defined]  # there is no public way
    usage = resource.getrusage(resource.RUSAGE_CHILDREN)
    return usage.ru_utime + usage.ru_stime


def score(folder: Path, scenes: Path) -> dict[str, object]:
    """Return the scores of each purpose on labelled scenes."""
    spotter = raygroup.load_spotter(folder, threads=1)
    labelled = list(read_scenes(scenes))
    started = time.process_time()
    read = read_labelled_scenes(spotter, labelled, lambda done: None)
    figures: dict[str, object] = {"scenes": len(read), "cpu_s_per_scene": round((time.process_time() - started) / max(len(read), 1), 3)}
    for purpose, thresholds in spotter.settings.thresholds.items():
        for task in TASKS:
            figures[f"{purpose}, task {task}"] = interval(read, task, thresholds)
    figures["recall by task of the words"] = recalls(read, spotter.settings.thresholds["detection"])
    return figures


def recalls(read: list[LabelledScene], thresholds: SpottingThresholds) -> dict[str, list[float]]:
    """Return for each task its number of words, the share that is found, and the share that is read right."""
    found, right = (score_scenes(read, task, thresholds).scripts for task in (1, 4))
    return {name: [each.words, round(each.recall, 3), round(right[name].recall, 3)] for name, each in found.items()}


def interval(read: list[LabelledScene], task: int, thresholds: SpottingThresholds) -> dict[str, object]:
    """Return H, precision and recall, and a 95 % interval of H from resampled scenes."""
    result = score_scenes(read, task, thresholds)
    low, high = hmean_interval(result)
    whole = result.scores
    return {
        "H": round(whole.hmean, 3), "interval": [round(low, 3), round(high, 3)], "P": round(whole.precision, 3),
        "R": round(whole.recall, 3),
    }  # fmt: skip


if __name__ == "__main__":
    main()
