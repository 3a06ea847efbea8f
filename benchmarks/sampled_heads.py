"""Compare steps in which each word is read by a few of many heads with steps of few heads.

Run ``python benchmarks/sampled_heads.py [--quick]``. Sides take turns in one process, on one
thread, on random words of laptop features. For two sizes of heads it compares 50 heads, of which
``--per-word`` read a word, with 7 heads that all read all words. Ratios are of processor seconds of
whole steps: drawing, forward, backward, clipping and AdamW. The update, which is the clipping and
AdamW, goes through the weights of all heads, so it does grow with the heads. The last line is one
JSON object.
"""

import argparse
import json
import tempfile
from pathlib import Path

from machine import machine_name, print_figures
from timing import AlternatedTimes, prepare_process
from training_problem import random_training_data, unused_universal_model

from raygroup.config import Grouping, Heads, Training, Trial
from raygroup.model.kernels.forms import choose_kernels
from raygroup.training.packs.optimizer import clip_by_row
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import TrainingData
from raygroup.trunks import FEATURE_SHAPE

SIZES = {"h16 e16": (16, 16, 314), "h64 e32": (64, 32, 849)}
"""Size of heads -> hidden, embed and classes."""
MANY, FEW = 50, 7


def main() -> None:
    """Measure both sizes of heads."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="small heads, two rounds")
    parser.add_argument("--batch", type=int, default=48)
    parser.add_argument("--per-word", type=int, nargs="+", default=[7, 4, 2], help="heads that read a word (default: 7 4 2)")
    arguments = parser.parse_args()
    prepare_process()
    figures: dict[str, object] = {}
    for size in ["h16 e16"] if arguments.quick else SIZES:
        figures |= measure(size, arguments.batch, arguments.per_word, 2 if arguments.quick else 8)
    print_figures(figures)
    print(json.dumps(figures | {"machine": machine_name("cpu")}))


def measure(size: str, batch: int, per_words: list[int], rounds: int) -> dict[str, object]:
    """Time steps of 7 heads, of 50 with drawn heads, and the update of both."""
    hidden, embed, classes = SIZES[size]
    with tempfile.TemporaryDirectory() as folder:
        data = random_training_data(Path(folder), FEATURE_SHAPE, classes, words=500)
        few = make_pack(data, batch, FEW, 0, embed, hidden)
        packs = {per_word: make_pack(data, batch, MANY, per_word, embed, hidden) for per_word in per_words}
        sides = {"few": few.advance, "update of few": lambda: update(few)}
        for per_word, pack in packs.items():
            sides[f"{per_word}"] = pack.advance
        sides["update of many"] = lambda: update(packs[per_words[0]])
        for step in sides.values():
            step()
        times = AlternatedTimes(sides, rounds, "cpu", dict.fromkeys(sides, 3))
    figures: dict[str, object] = {f"{size} few_ms": milliseconds(times, "few")}
    for per_word in per_words:
        figures |= {
            f"{size} ratio_{per_word}": times.ratio(f"{per_word}", "few"),
            f"{size} {per_word}_ms": milliseconds(times, f"{per_word}"),
        }
    names = {"few": "update of few", "many": "update of many"}
    return figures | {f"{size} update_{name}_ms": milliseconds(times, side) for name, side in names.items()}


def milliseconds(times: AlternatedTimes, name: str) -> float:
    """Return the median milliseconds of a side."""
    return round(1000 * times.seconds(name), 1)


def make_pack(data: TrainingData, batch: int, count: int, per_word: int, embed: int, hidden: int) -> Pack:
    """Return a pack of one trial whose heads start at random."""
    trial = Trial(
        heads=Heads(count=count, embed=embed, hidden=hidden, start="independent"), grouping=Grouping(heads_per_word=per_word),
        training=Training(steps=10_000, batch=batch),
    )  # fmt: skip
    return Pack([trial], data, unused_universal_model(), kernels=choose_kernels("auto", "cpu"))


def update(pack: Pack) -> None:
    """Clip the gradients of the last step and take an AdamW step with them."""
    clip_by_row(list(pack.bank.parameters()), pack.settings.clip_of_head)
    pack.optimizer.step()


if __name__ == "__main__":
    main()
