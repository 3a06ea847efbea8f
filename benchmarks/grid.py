"""Compare a grid of trials in packs with single trials.

Run ``python benchmarks/grid.py [--quick]``. The trials have the paper's shape. A second baseline is
the released algorithm, one trial after another (benchmarks/baselines/looped.py). On a GPU the grid
is Table 2's: 2 to 7 heads with three seeds each, so 18 trials and 81 heads. On a CPU it is small,
because packs bring nothing there. All sides take turns in one process, and the fastest step of each
counts. The baselines step one trial of each size, which stands for its seeds. The last line is one
JSON object.
"""

import argparse
import json
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from baselines.looped import looped_optimizer, looped_step
from machine import machine_name, print_figures
from operators import count_operators
from paper_heads import EMBED, HIDDEN, make_bank, make_looped
from timing import prepare_process, seconds_of
from training_problem import PLANES, random_training_data, unused_universal_model

from raygroup.config import Heads, Training, Trial
from raygroup.costs import pack_bytes
from raygroup.model.kernels.forms import Kernels, choose_kernels
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.packing import fill_packs
from raygroup.training.packs.training_data import TrainingData

STEPS = 20_000
"""Steps of stage 2 (paper, section 4.2)."""


@dataclass(frozen=True)
class Grid:
    """The sizes of a grid, and where and how it is computed."""

    device: str
    form: Kernels
    batch: int
    heads: tuple[int, ...]
    seeds: int
    classes: int
    rounds: int

    def trials(self) -> list[Trial]:
        """Return the trials, those of one size side by side."""
        return [
            Trial(seed=seed, heads=Heads(count=count, embed=EMBED, hidden=HIDDEN, start="independent"), training=Training(batch=self.batch))
            for count in self.heads for seed in range(self.seeds)
        ]  # fmt: skip

    def pack(self, trials: list[Trial], data: TrainingData) -> Pack:
        return Pack(trials, data, unused_universal_model(), self.device, self.form)


def main() -> None:
    """Measure a grid, print the figures, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="one round, at most 50 s")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--batch", type=int, help="words of a step (default: 32 on a GPU, 4 on a CPU)")
    parser.add_argument("--heads", type=int, nargs="+", help="heads of the trials (default: 2 to 7 on a GPU, 2 and 3 on a CPU)")
    parser.add_argument("--seeds", type=int, help="trials of each size (default: 3 on a GPU, 2 on a CPU)")
    parser.add_argument("--classes", type=int, help="default: 9002 on a GPU, 902 on a CPU")
    arguments = parser.parse_args()
    on_gpu = arguments.device == "cuda"
    grid = Grid(
        device=arguments.device,
        form=choose_kernels(arguments.kernels, arguments.device),
        batch=arguments.batch or (32 if on_gpu else 4),
        heads=tuple(arguments.heads or (range(2, 8) if on_gpu else (2, 3))),
        seeds=arguments.seeds or (3 if on_gpu else 2),
        classes=arguments.classes or (9002 if on_gpu else 902),
        rounds=1 if arguments.quick else 3,
    )
    prepare_process()
    with tempfile.TemporaryDirectory() as folder:
        figures = measure(grid, Path(folder))
    print_figures(figures)
    print(json.dumps(figures))


def measure(grid: Grid, folder: Path) -> dict[str, object]:
    """Time one step of all trials on each side."""
    data = random_training_data(folder, PLANES, grid.classes)
    trials, on_gpu = grid.trials(), grid.device == "cuda"
    memory = torch.cuda.get_device_properties(0).total_memory if on_gpu else float("inf")
    packs = [[trials[place] for place in pack] for pack in fill_packs(trials, grid.classes, PLANES, memory, grid.form.name)]
    together = sum(step_s(grid.pack(pack, data), grid.rounds) for pack in packs)
    peak = torch.cuda.max_memory_allocated() if on_gpu else None
    one_of_each_size = trials[:: grid.seeds]
    alone = grid.seeds * sum(step_s(grid.pack([trial], data), grid.rounds) for trial in one_of_each_size)
    looped = grid.seeds * sum(looped_step_s(count, grid) for count in grid.heads)
    estimated = max(pack_bytes(pack, grid.classes, PLANES, on_gpu=on_gpu, kernels=grid.form.name) for pack in packs)
    return {
        "grid_ratio": round(looped / together, 2), "pack_ratio": round(alone / together, 2),
        "trials": len(trials), "heads": sum(trial.heads.count for trial in trials), "packs": len(packs), "batch": grid.batch,
        "step_of_all_s": round(together, 4), "hours_of_20000_steps": round(together * STEPS / 3600, 2),
        "estimated_gb": round(estimated / 1e9, 2), "peak_gb": None if peak is None else round(peak / 1e9, 2),
        **count_pack_operators(grid, trials[0], data), "kernels": grid.form.name, "device": grid.device,
        "machine": machine_name(grid.device),
    }  # fmt: skip


def step_s(pack: Pack, rounds: int) -> float:
    """Return the seconds of the fastest step after two of warm-up."""
    for _ in range(2):
        pack.advance()
    return min(seconds_of(pack.advance, pack.device) for _ in range(2 + 4 * rounds))


def looped_step_s(heads: int, grid: Grid) -> float:
    """Return the seconds of the fastest step of the released algorithm."""
    random = torch.Generator().manual_seed(0)
    looped = make_looped(make_bank(heads, grid.classes, random), grid.device)
    targets = torch.full((grid.batch, 32), -1)
    for row, length in enumerate(np.random.default_rng(0).integers(4, 12, grid.batch)):
        targets[row, :length] = torch.randint(1, grid.classes, (int(length),), generator=random)
    targets = targets.to(grid.device)
    words = torch.randn(grid.batch, *PLANES, generator=random).relu().to(grid.device)
    weights = torch.rand(grid.batch, heads).to(grid.device)
    optimizer = looped_optimizer(looped)
    return min(seconds_of(lambda: looped_step(looped, optimizer, words, targets, weights), grid.device) for _ in range(1 + grid.rounds))


def count_pack_operators(grid: Grid, trial: Trial, data: TrainingData) -> dict[str, int]:
    """Count the operators of steps of two and of seven trials."""
    figures = {}
    for trials in (2, 7):
        pack = grid.pack([trial] * trials, data)
        pack.advance()
        figures[f"ops_k{trials}"] = count_operators(pack.advance, ("aten::",))
    return figures


if __name__ == "__main__":
    main()
