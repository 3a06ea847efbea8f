"""What recording costs a step: a history row with its share of flushes against the training step it records, alternated in one process.

Last line: one JSON object; ``history_over_step`` is to stay at or below 0.01. Baseline: a training step of the default sweep's shape
(5 heads, 48 words) without any recording.
"""

import argparse
import json
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from machine import printed

from raygroup.config import Heads, Training, Trial
from raygroup.history.writer import HistoryWriter
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import kernels
from raygroup.model.laptop_trunk import FEATURES, POSITIONS, Trunk
from raygroup.tasks import PAPER_TASKS
from raygroup.training.allocator import keep_freed_memory
from raygroup.training.label_batches import encoded
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.step_records import evidence
from raygroup.training.packs.training_data import Material
from raygroup.training.universal_weights import Universal
from raygroup.words.charset import Charset
from raygroup.words.feature_store import FeatureStore, write_features

ROWS_A_FLUSH = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="fewer steps")
    rounds = 4 if parser.parse_args().quick else 20
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        step_s, record_s = alternated(made(Path(folder)), Path(folder), rounds)
    found = {
        "step_ms": round(1e3 * step_s, 2), "record_ms": round(1e3 * record_s, 4),
        "history_over_step": round(record_s / step_s, 5), "device": "cpu",
    }  # fmt: skip
    printed(found)
    print(json.dumps(found))


def alternated(pack: Pack, folder: Path, rounds: int) -> tuple[float, float]:
    """Median wall seconds of a step, and of recording one, over rounds of ten steps and one flush."""
    steps, records = [], []
    with HistoryWriter(folder, 1, PAPER_TASKS, 5, {}) as history:
        for _ in range(rounds):
            started = time.perf_counter()
            rows = [pack.advance() for _ in range(ROWS_A_FLUSH)]
            trained = time.perf_counter()
            (own,) = pack.evidence(rows)
            for step, r_tm, nll_m, losses in evidence(own, pack.step - ROWS_A_FLUSH + 1, len(PAPER_TASKS), 5):
                history.append(step, r_tm, nll_m, losses["integrated"], losses["grouping"], losses["task"], 0.0, time.time())
            history.flush()
            steps.append((trained - started) / ROWS_A_FLUSH)
            records.append((time.perf_counter() - trained) / ROWS_A_FLUSH)
    return float(np.median(steps)), float(np.median(records))


def made(folder: Path) -> Pack:
    """A trial of the default shape on random words of 2 to 8 characters of an 856-character charset."""
    random = np.random.default_rng(0)
    charset = Charset(tuple(chr(0x4E00 + place) for place in range(856)))
    labels = ["".join(random.choice(charset.characters, random.integers(2, 9))) for _ in range(1024)]
    write_features(folder / "features.arrow", (24, FEATURES), [random.standard_normal((1024, 24, FEATURES)).astype(np.float16)], {})
    targets, lengths = encoded(labels, charset)
    p_wt = np.eye(7, dtype=np.float32)[random.integers(0, 7, 1024)]
    material = Material(FeatureStore(folder / "features.arrow"), targets, lengths, p_wt, np.arange(1024), PAPER_TASKS, charset)
    head = HeadBank(1, charset.num_classes, features=FEATURES, positions=POSITIONS, embed=32, hidden=64)
    head.initialise(0, torch.Generator().manual_seed(0))
    trial = Trial(heads=Heads(count=5), training=Training(steps=600))
    return Pack([trial], material, Universal(Trunk(), head, charset), kernels=kernels())


if __name__ == "__main__":
    main()
