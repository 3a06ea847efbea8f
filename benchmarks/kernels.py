"""Compare every form of the kernels with the plain one.

Run ``python benchmarks/kernels.py [--quick]``. Two packs are trained: planes at the paper's shape,
and features of the laptop trunk. For each form, ``difference`` is the largest difference of its
records from those of ``plain`` over the first steps, relative where a record is above 1, and
``ratio`` is the time of a step of ``plain`` over its own. On a GPU the plain form is also compared
with a CPU. The last line is one JSON object.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from machine import machine_name, print_figures
from pack_memory import Setting
from timing import AlternatedTimes, prepare_process
from training_problem import PLANES, random_training_data, unused_universal_model

from raygroup.config import Trial
from raygroup.model.kernels.forms import FORMS
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import TrainingData
from raygroup.trunks import FEATURE_SHAPE

COMPARED = {"planes": ("graphs", "bf16", "factored", "winograd"), "laptop": ("graphs", "factored", "winograd")}
"""Forms by problem. Features of the laptop trunk have no convolution, which is all that ``bf16`` changes."""
TOLERANCES = {"bf16": 0.05}
TOLERANCE = 1e-3
"""Largest difference of a form that agrees, unless ``TOLERANCES`` names another."""
GPU_PROBLEMS = {"planes": Setting(PLANES, 5, 32, 9002, 200, 256), "laptop": Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64, trials=24)}
CPU_PROBLEMS = {"planes": Setting((32, 16, 64), 2, 4, 302, 32, 64), "laptop": Setting(FEATURE_SHAPE, 2, 16, 302, 32, 64, trials=2)}


def main() -> None:
    """Compare the forms on both problems, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps and one round")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    prepare_process()
    steps, rounds = (4, 1) if arguments.quick else (10, 5)
    problems = GPU_PROBLEMS if arguments.device == "cuda" else CPU_PROBLEMS
    figures: dict[str, object] = {name: compare_forms(name, setting, arguments.device, steps, rounds) for name, setting in problems.items()}
    if arguments.device == "cuda":
        figures["plain_from_cpu"] = {name: difference_from_cpu(setting, steps) for name, setting in CPU_PROBLEMS.items()}
    figures |= {"device": arguments.device, "machine": machine_name(arguments.device)}
    print_figures(figures)
    print(json.dumps(figures))


def compare_forms(name: str, setting: Setting, device: str, steps: int, rounds: int) -> dict[str, object]:
    """Compare each form with ``plain`` on one problem."""
    trials, figures = setting.pack(), {}
    with tempfile.TemporaryDirectory() as folder:
        data = random_training_data(Path(folder), setting.shape, setting.classes)
        for form in COMPARED[name]:
            if FORMS[form].captured and device == "cpu":
                figures[form] = {"skipped": "CUDA graphs need a GPU"}
                continue
            figures[form] = compare_form(form, trials, data, device, steps, rounds)
    return figures


def compare_form(form: str, trials: Sequence[Trial], data: TrainingData, device: str, steps: int, rounds: int) -> dict[str, object]:
    """Train a form beside ``plain``, then time both in turns."""
    packs = {name: Pack(trials, data, unused_universal_model(), device, FORMS[name]) for name in ("plain", form)}
    records = {name: first_records(pack, steps) for name, pack in packs.items()}
    difference = largest_difference(records[form], records["plain"])
    times = AlternatedTimes({name: pack.advance for name, pack in packs.items()}, rounds, device, {"plain": 3, form: 3})
    return {
        "difference": round(difference, 7), "agrees": difference <= TOLERANCES.get(form, TOLERANCE),
        "ratio": times.ratio("plain", form), "step_s": round(times.seconds(form), 5), "plain_step_s": round(times.seconds("plain"), 5),
    }  # fmt: skip


def difference_from_cpu(setting: Setting, steps: int) -> float:
    """Return the largest difference of ``plain`` between GPU and CPU."""
    with tempfile.TemporaryDirectory() as folder:
        data = random_training_data(Path(folder), setting.shape, setting.classes)
        on_cpu, on_gpu = (first_records(Pack(setting.pack(), data, unused_universal_model(), device), steps) for device in ("cpu", "cuda"))
    return round(largest_difference(on_gpu, on_cpu), 7)


def first_records(pack: Pack, steps: int) -> np.ndarray:
    """Return the records of the first steps, trials side by side."""
    return np.concatenate(pack.split_records([pack.advance() for _ in range(steps)]), axis=1)


def largest_difference(records: np.ndarray, reference: np.ndarray) -> float:
    """Return the largest absolute difference, relative where the reference is above 1."""
    return float(np.max(np.abs(records - reference) / np.maximum(1, np.abs(reference))))


if __name__ == "__main__":
    main()
