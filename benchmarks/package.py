"""Compare reading with a package to today's ``Reader`` on whole heads.

Run ``python benchmarks/package.py [--quick] [--trial FOLDER]``. Without ``--trial`` it trains a small
trial of five heads first. Both sides get the trunk's features of the same words and take turns in
one process, on one thread. Ratios are of processor seconds: the median over rounds. The start to
the first word is the wall time of ``python -m raygroup.read`` in new processes. The last line is one
JSON object.
"""

import argparse
import contextlib
import json
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import numpy as np
import torch
from machine import machine_name, print_figures
from numpy.typing import NDArray
from timing import AlternatedTimes, prepare_process

from raygroup.config import Training, Trial, Words
from raygroup.export.exporter import export_trial
from raygroup.export.named_trial import named_trial
from raygroup.export.trial_checkpoint import read_trial_checkpoint
from raygroup.model.heads.decoding import Reader
from raygroup.model.kernels.forms import choose_kernels
from raygroup.read.opening import load
from raygroup.reading.package import Package
from raygroup.search_space import Sweep
from raygroup.sweep import run_sweep
from raygroup.trunks import CROP_SIZE
from raygroup.words.crops import fit
from raygroup.words.rendering.synthesis import draw_pixels, fonts_of, plan_crops

NUM_WORDS = 64
"""Words of one timed reading."""
BEAMS = 6
COMPARED = Words(words_per_task=150, unseen_per_task=150, renders=1, seed=7)
"""Rendered words of seven scripts: 2,100 pictures that no trial was trained on."""


def main() -> None:
    """Export a trial, then measure sizes, speed and equal strings."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="few rounds and words, to try the program: the figures mean little")
    parser.add_argument("--trial", help="the folder of a finished trial (default: train one of 60 steps)")
    arguments = parser.parse_args()
    prepare_process()
    rounds, compared, starts = (1, 70, 1) if arguments.quick else (9, 2000, 5)
    with tempfile.TemporaryDirectory(prefix="raygroup-benchmark-") as folder:
        trial = arguments.trial or train_trial(Path(folder))
        out = Path(folder) / "package"
        started = time.perf_counter()
        written = export_trial(trial, out)
        figures: dict[str, Any] = {
            "package_mb": round((written.record.sizes["bytes"] + (out / "package.json").stat().st_size) / 1e6, 2),
            "heads": len(written.record.heads), "export_s": round(time.perf_counter() - started, 1),
        }  # fmt: skip
        packages = {name: load(out, backend=name, threads=1) for name in ("onnxruntime", "torch")}
        crops = rendered_crops(compared)
        figures |= measure_speed(str(trial), packages, crops[:NUM_WORDS], rounds)
        figures |= compare_strings(packages, crops)
        figures |= {"first_word_s": first_word_s(out, crops[0], starts), "machine": machine_name("cpu")}
    print_figures(figures)
    print(json.dumps(figures))


def train_trial(folder: Path) -> str:
    """Train a small trial of five heads, and return its folder."""
    sweep = Sweep(name="package", trial=Trial(words=Words(words_per_task=40), training=Training(steps=60)))
    with contextlib.redirect_stdout(sys.stderr):
        result = run_sweep(sweep, storage_path=folder / "runs", local=True)
    return str(result.trials[0].folder)


def rendered_crops(count: int) -> NDArray[np.uint8]:
    """Return crops of rendered words of all scripts in a mixed order."""
    fonts = fonts_of(COMPARED, None)
    orders = [order for order in plan_crops(COMPARED) if order.split != "train"]
    mixed = np.random.default_rng(0).permutation(len(orders))[:count]
    drawn = (draw_pixels(orders[number], COMPARED, fonts[orders[number].task]) for number in mixed)
    return np.stack([fit(pixels, *CROP_SIZE) for pixels in drawn if pixels is not None])


def measure_speed(trial: str, packages: dict[str, Package], crops: NDArray[np.uint8], rounds: int) -> dict[str, Any]:
    """Time greedy and beam reading of features by all sides."""
    checkpoint = read_trial_checkpoint(named_trial(trial, []))
    today = Reader(checkpoint.bank(), choose_kernels())
    onnx, plain = packages["onnxruntime"].backend, packages["torch"].backend
    longest = packages["torch"].record.longest
    with torch.no_grad():
        features = plain.model.trunk(torch.from_numpy(crops)).contiguous()  # type: ignore[attr-defined]
        heads = plain.model.router(features)[1]  # type: ignore[attr-defined]
    heads_of_trial = torch.tensor(sorted(set(checkpoint.r_tm.argmax(-1).tolist())))[heads]
    arrays = features.numpy(), heads.numpy()
    figures: dict[str, Any] = {}
    for name, beams in (("greedy", 1), ("beam", BEAMS)):
        steps = {
            "today": lambda beams=beams: (
                today.greedy(features, heads_of_trial, longest) if beams == 1 else today.beam(features, heads_of_trial, longest, beams)
            ),
            "onnx": lambda beams=beams: onnx.decode(*arrays, beams),  # type: ignore[attr-defined]
            "torch": lambda beams=beams: plain.decode(features, heads, beams),  # type: ignore[attr-defined]
        }
        times = AlternatedTimes(steps, rounds, "cpu", dict.fromkeys(steps, 5))
        figures |= {f"{name}_ratio": times.ratio("today", "onnx"), f"{name}_torch_ratio": times.ratio("today", "torch")}
        figures |= {f"{name}_{side}_ms": round(1000 * times.seconds(side), 1) for side in steps}
    whole = {side: lambda backend=package.backend: backend.read(crops, 1) for side, package in packages.items()}
    times = AlternatedTimes(whole, rounds, "cpu", dict.fromkeys(whole, 3))
    return figures | {f"whole_{side}_ms": round(1000 * times.seconds(side), 1) for side in whole}


def compare_strings(packages: dict[str, Package], crops: NDArray[np.uint8]) -> dict[str, Any]:
    """Count the words that both backends read alike."""
    figures: dict[str, Any] = {"compared_words": len(crops)}
    for name, beams in (("greedy", 1), ("beam", BEAMS)):
        readings = [package.read(list(crops), beams) for package in packages.values()]
        figures[f"{name}_equal"] = sum((one.text, one.head) == (other.text, other.head) for one, other in zip(*readings, strict=True))
    return figures


def first_word_s(package: Path, crop: NDArray[np.uint8], starts: int) -> float:
    """Return the median wall time of a command that reads one word."""
    import cv2

    image = package.parent / "word.png"
    cv2.imwrite(str(image), crop)
    walls = []
    for _ in range(starts):
        started = time.perf_counter()
        subprocess.run([sys.executable, "-m", "raygroup.read", str(package), str(image)], check=True, capture_output=True)
        walls.append(time.perf_counter() - started)
    return round(float(np.median(walls)), 2)


if __name__ == "__main__":
    main()
