"""Compare packs of small heads on a processor with the same trials one by one.

Run ``python benchmarks/small_head_packs.py [--quick]``. Heads have 16 states and read laptop features, 16 words a step. Packs hold 4, 16
and 64 heads, as trials of one head and as trials of four. A bank of group heads is one trial, which is compared with banks of one head.
All sides take turns in one process on one thread, and the fastest step of each counts. The last line is one JSON object.
"""

import argparse
import json
import tempfile
from collections.abc import Sequence
from pathlib import Path

from machine import machine_name, print_figures
from timing import prepare_process, seconds_of
from training_problem import random_training_data, unused_universal_model

from raygroup.config import Grouping, Heads, Loss, Training, Trial
from raygroup.model.kernels.forms import choose_kernels
from raygroup.task_groups import all_groups
from raygroup.tasks import PAPER_TASKS
from raygroup.training.packs.pack import Pack
from raygroup.trunks import FEATURE_SHAPE

CLASSES = 314
BATCH = 16
SIZE = 16
HEADS = (4, 16, 64)


def main() -> None:
    """Measure, print the figures, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round with 4 and 16 heads")
    quick = parser.parse_args().quick
    prepare_process()
    figures: dict[str, object] = {}
    with tempfile.TemporaryDirectory() as folder:
        data = random_training_data(Path(folder), FEATURE_SHAPE, CLASSES)
        kernels = choose_kernels("auto", "cpu")
        for each in (1, 4):
            packs = {
                count: Pack([_trial(seed, each) for seed in range(count // each)], data, unused_universal_model(), "cpu", kernels)
                for count in (each, *HEADS[: 2 if quick else None])
            }  # fmt: skip
            figures |= _figures(f"trials of {each}", each, _fastest(packs, 1 if quick else 5))
        groups = all_groups(PAPER_TASKS)
        banks = {
            count: Pack([_bank(groups[-count:])], data, unused_universal_model(), "cpu", kernels)
            for count in (1, *HEADS[: 2 if quick else None])
        }
        figures |= _figures("bank of group heads", 1, _fastest(banks, 1 if quick else 5))
    print_figures(figures)
    print(json.dumps({**figures, "machine": machine_name()}))


def _figures(name: str, each: int, times: dict[int, float]) -> dict[str, float]:
    """Return milliseconds for each head, and the speed against packs of the smallest size, one by one."""
    found = {f"{name}: {count} heads, ms a head": round(1000 * seconds / count, 2) for count, seconds in times.items()}
    speeds = {count: times[each] * (count / each) / seconds for count, seconds in times.items() if count > each}
    return found | {f"{name}: {count} heads, times as fast as one by one": round(speed, 2) for count, speed in speeds.items()}


def _bank(groups: Sequence[tuple[str, ...]]) -> Trial:
    return Trial(
        heads=Heads(count=len(groups), embed=SIZE, hidden=SIZE, start="independent"),
        grouping=Grouping(method="cover", groups=tuple(groups), base_coefficient=0.0), loss=Loss(grouping=0.0, task=0.0),
        training=Training(batch=BATCH),
    )  # fmt: skip


def _trial(seed: int, heads: int) -> Trial:
    return Trial(seed=seed, heads=Heads(count=heads, embed=SIZE, hidden=SIZE, start="independent"), training=Training(batch=BATCH))


def _fastest(packs: dict[int, Pack], rounds: int) -> dict[int, float]:
    """Return the seconds of the fastest step of each pack. They take turns."""
    best: dict[int, float] = {}
    for _ in range(2 + 10 * rounds):
        for count, pack in packs.items():
            best[count] = min(best.get(count, float("inf")), seconds_of(pack.advance, "cpu"))
    return best


if __name__ == "__main__":
    main()
