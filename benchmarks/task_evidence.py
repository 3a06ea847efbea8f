"""Measure what evidence on tasks costs a training.

Run ``python benchmarks/task_evidence.py [--quick] [--device cuda]``. Packs with and without evidence at every tenth step take turns in one
process, ten steps each. The words of seven tasks are random. The last line is one JSON object: seconds of a step without evidence, and
ratios to it.
"""

import argparse
import json
import tempfile
from pathlib import Path

from machine import machine_name
from timing import AlternatedTimes, prepare_process
from training_problem import random_training_data, unused_universal_model

from raygroup.config import Heads, Training, Trial
from raygroup.model.kernels.forms import choose_kernels
from raygroup.training.packs.pack import Pack
from raygroup.trunks import FEATURE_SHAPE

SIDES = {"none": ("none", 0), "losses": ("losses", 0), "gradients": ("gradients", 0), "lookahead": ("lookahead", 0)}
"""Name -> the kind of evidence, and the words drawn of each task. 0 takes the words of the step."""
DRAWN = {"gradients of 48 drawn words": ("gradients", 48)}
EVERY = 10


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--quick", action="store_true", help="few rounds, to see that it runs")
    arguments = parser.parse_args()
    prepare_process()
    sizes = {"h16, 16 words, 4 heads": (16, 16, 4, 314), "h64, 48 words, 5 heads": (64, 48, 5, 858)}
    outcome = {name: measure(arguments.device, *size, rounds=1 if arguments.quick else 7) for name, size in sizes.items()}
    print(json.dumps({"machine": machine_name(arguments.device), **outcome}))


def measure(device: str, hidden: int, batch: int, heads: int, classes: int, rounds: int) -> dict[str, float]:
    """Return seconds of a step without evidence, and the ratio of each side to it."""
    with tempfile.TemporaryDirectory() as folder:
        data = random_training_data(Path(folder), FEATURE_SHAPE, classes, words=336, characters=(1, 8))
        sides = SIDES | DRAWN
        packs = {name: _pack(data, device, hidden, batch, heads, *side) for name, side in sides.items()}
        for pack in packs.values():
            _advance(pack)
        times = AlternatedTimes({name: lambda pack=pack: _advance(pack) for name, pack in packs.items()}, rounds, device, {})
        return {"step_s": round(times.seconds("none") / EVERY, 5), **{name: times.ratio(name, "none") for name in list(sides)[1:]}}


def _pack(data, device: str, hidden: int, batch: int, heads: int, kind: str, words: int) -> Pack:
    training = Training(steps=10_000, batch=batch, evidence=kind, evidence_every=EVERY, evidence_words=words)
    trial = Trial(heads=Heads(count=heads, embed=hidden, hidden=hidden, start="independent"), training=training)
    return Pack([trial], data, unused_universal_model(), device, choose_kernels("auto", device))


def _advance(pack: Pack) -> None:
    for _ in range(EVERY):
        pack.advance()
    pack.evidence.take()


if __name__ == "__main__":
    main()
