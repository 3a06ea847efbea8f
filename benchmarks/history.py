"""Compare recording a training step with the step itself.

Run ``python benchmarks/history.py [--quick]``. Recording means writing a history row and
the scalars for TensorBoard, with their share of the flushes and files. Steps and recording
alternate in one process. ``history_over_step`` should stay at or below 0.005. The baseline is a
training step of the default sweep's shape, with 5 heads and 48 words, without any recording. The
last line is one JSON object.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
from machine import print_figures
from timing import prepare_process
from training_problem import random_training_data, unused_universal_model

from raygroup.config import Heads, Training, Trial
from raygroup.history.writer import HistoryWriter
from raygroup.model.kernels.forms import choose_kernels
from raygroup.runtime.attempt.scalars import ScalarPoint, scalar_point, write_scalars
from raygroup.runtime.attempt.word_program import word_scalars
from raygroup.tasks import PAPER_TASKS
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.step_records import step_records
from raygroup.trunks import FEATURE_SHAPE

ROWS_PER_FLUSH = 10
HEADS = 5


def main() -> None:
    """Time steps and recording, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    rounds = 4 if parser.parse_args().quick else 20
    prepare_process()
    with tempfile.TemporaryDirectory() as folder:
        step_s, record_s = time_steps_and_records(make_pack(Path(folder)), Path(folder), rounds)
    figures: dict[str, object] = {
        "step_ms": round(1e3 * step_s, 2), "record_ms": round(1e3 * record_s, 4),
        "history_over_step": round(record_s / step_s, 5), "device": "cpu",
    }  # fmt: skip
    print_figures(figures)
    print(json.dumps(figures))


def time_steps_and_records(pack: Pack, folder: Path, rounds: int) -> tuple[float, float]:
    """Return the median wall seconds of a step and of recording one.

    A round is ten steps, one flush, and one point of TensorBoard's curves. Files with these points
    are timed by themselves, as at checkpoints.
    """
    step_times, record_times = [], []
    points: list[ScalarPoint] = []
    with HistoryWriter(folder, 1, PAPER_TASKS, HEADS, {}) as history:
        for _ in range(rounds):
            started = time.perf_counter()
            on_device = [pack.advance() for _ in range(ROWS_PER_FLUSH)]
            trained = time.perf_counter()
            (records,) = pack.split_records(on_device)
            for step, r_tm, nll_m, losses in step_records(records, pack.step - ROWS_PER_FLUSH + 1, len(PAPER_TASKS), HEADS):
                history.append(step, r_tm, nll_m, losses["integrated"], losses["grouping"], losses["task"], 0.0, time.time())
            points.append(scalar_point(pack.step, word_scalars(PAPER_TASKS, r_tm, losses)))
            history.flush()
            step_times.append((trained - started) / ROWS_PER_FLUSH)
            record_times.append((time.perf_counter() - trained) / ROWS_PER_FLUSH)
    file_times = [_time_file(folder, points, number) for number in range(rounds)]
    scalars_s = float(np.median(file_times[1:])) / len(points) / ROWS_PER_FLUSH  # the first file imports tensorboardX
    return float(np.median(step_times)), float(np.median(record_times)) + scalars_s


def _time_file(folder: Path, points: list[ScalarPoint], number: int) -> float:
    """Return the seconds of writing one file of scalars."""
    started = time.perf_counter()
    write_scalars(folder, number, points)
    return time.perf_counter() - started


def make_pack(folder: Path) -> Pack:
    """Make a trial of the default shape.

    Its words have 2 to 8 characters, of a charset of 856.
    """
    data = random_training_data(folder, FEATURE_SHAPE, 858, words=1024, characters=(2, 8))
    trial = Trial(heads=Heads(count=HEADS, start="independent"), training=Training(steps=600))
    return Pack([trial], data, unused_universal_model(), kernels=choose_kernels())


if __name__ == "__main__":
    main()
