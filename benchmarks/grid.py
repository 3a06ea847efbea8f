"""A grid of trials as packs, against the same trials one by one, and against the released algorithm one by one, at the paper's shape.

On a GPU the grid is Table 2's: 2 to 7 heads, three seeds, 18 trials and 81 heads. On a processor, where packs bring nothing and are
not formed, a small grid shows that path. Everything is alternated in one process, each side at its fastest round; the baseline steps
one trial of each size, which stands for its seeds. Baseline: benchmarks/baselines/looped.py. Last line: one JSON object.
"""

import argparse
import json
import tempfile
from pathlib import Path

import numpy as np
import torch
from baselines.looped import LoopedHead, looped_step, one_group_a_parameter
from heads import EMBED, FEATURES, HIDDEN, VIEWS, seconds_of
from machine import machine_name, printed
from torch.profiler import ProfilerActivity, profile

from raygroup.config import Heads, Training, Trial
from raygroup.costs import pack_bytes
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import Kernels, kernels
from raygroup.model.laptop_trunk import Trunk
from raygroup.packing import fill_packs
from raygroup.tasks import PAPER_TASKS
from raygroup.training.allocator import keep_freed_memory
from raygroup.training.label_batches import encoded
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import Material
from raygroup.training.universal_weights import Universal
from raygroup.words.charset import Charset
from raygroup.words.feature_store import FeatureStore, write_features

PLANES = (FEATURES, 16, 64)
STEPS = 20_000
"""Of stage 2 (paper 4.2)."""


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one round, no more than 50 s")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    parser.add_argument("--kernels", default="auto")
    parser.add_argument("--batch", type=int, help="words of a step (default: 32 on a GPU, 4 on a processor)")
    parser.add_argument("--heads", type=int, nargs="+", help="heads of the trials (default: 2 to 7 on a GPU, 2 and 3 on a processor)")
    parser.add_argument("--seeds", type=int, help="trials of each size (default: 3 on a GPU, 2 on a processor)")
    parser.add_argument("--classes", type=int, help="default: 9002 on a GPU, 902 on a processor")
    asked = parser.parse_args()
    on_gpu = asked.device == "cuda"
    asked.batch = asked.batch or (32 if on_gpu else 4)
    asked.heads = asked.heads or (range(2, 8) if on_gpu else (2, 3))
    asked.seeds = asked.seeds or (3 if on_gpu else 2)
    asked.classes = asked.classes or (9002 if on_gpu else 902)
    torch.set_num_threads(1)
    keep_freed_memory()
    with tempfile.TemporaryDirectory() as folder:
        found = measured(asked, kernels(asked.kernels, asked.device), Path(folder))
    printed(found)
    print(json.dumps(found))


def measured(asked: argparse.Namespace, form: Kernels, folder: Path) -> dict[str, object]:
    material = made(folder, asked.classes)
    trials = [
        Trial(seed=seed, heads=Heads(count=count, embed=EMBED, hidden=HIDDEN, start="independent"), training=Training(batch=asked.batch))
        for count in asked.heads for seed in range(asked.seeds)
    ]  # fmt: skip
    memory = torch.cuda.get_device_properties(0).total_memory if asked.device == "cuda" else float("inf")
    packs = fill_packs(trials, asked.classes, PLANES, memory)
    rounds = 1 if asked.quick else 3
    together = sum(step_s(Pack([trials[place] for place in pack], material, universal(), asked.device, form), rounds) for pack in packs)
    peak = torch.cuda.max_memory_allocated() if asked.device == "cuda" else None
    sizes = [trials[place * asked.seeds] for place in range(len(asked.heads))]
    alone = asked.seeds * sum(step_s(Pack([trial], material, universal(), asked.device, form), rounds) for trial in sizes)
    looped = asked.seeds * sum(looped_s(trial.heads.count, asked, rounds) for trial in sizes)
    return {
        "grid_ratio": round(looped / together, 2), "pack_ratio": round(alone / together, 2),
        "trials": len(trials), "heads": sum(trial.heads.count for trial in trials), "packs": len(packs), "batch": asked.batch,
        "step_of_all_s": round(together, 4), "hours_of_20000_steps": round(together * STEPS / 3600, 2),
        "estimated_gb": round(max(pack_bytes([trials[place] for place in pack], asked.classes, PLANES) for pack in packs) / 1e9, 2),
        "peak_gb": None if peak is None else round(peak / 1e9, 2),
        **operators(trials[0], material, asked.device, form), "kernels": form.name, "device": asked.device,
        "machine": machine_name(asked.device),
    }  # fmt: skip


def made(folder: Path, classes: int, words: int = 48) -> Material:
    """Random words of 3 to 10 characters on random planes."""
    random = np.random.default_rng(0)
    charset = Charset(tuple(chr(0x4E00 + place) for place in range(classes - 2)))
    labels = ["".join(random.choice(charset.characters, random.integers(3, 11))) for _ in range(words)]
    planes = np.maximum(random.standard_normal((words, *PLANES)), 0).astype(np.float16)
    write_features(folder / "features.arrow", PLANES, [planes], {})
    targets, lengths = encoded(labels, charset)
    p_wt = np.eye(7, dtype=np.float32)[random.integers(0, 7, words)]
    return Material(FeatureStore(folder / "features.arrow"), targets, lengths, p_wt, np.arange(words), PAPER_TASKS, charset)


def universal() -> Universal:
    """No head starts from it."""
    return Universal(Trunk(), HeadBank(1, 3, features=256, positions=(1, 24), embed=1, hidden=1), Charset(("a",)))


def step_s(pack: Pack, rounds: int) -> float:
    """Seconds of a training step at its fastest, after two to warm up."""
    for _ in range(2):
        pack.advance()
    return min(seconds_of(pack.advance, pack.device) for _ in range(2 + 4 * rounds))


def looped_s(heads: int, asked: argparse.Namespace, rounds: int) -> float:
    random = torch.Generator().manual_seed(0)
    bank = HeadBank(heads, asked.classes, features=FEATURES, positions=(8, 32), embed=EMBED, hidden=HIDDEN, convolve=True)
    for head in range(heads):
        bank.initialise(head, random)
    looped = [LoopedHead(asked.classes, FEATURES, EMBED, HIDDEN).copy_from(bank, head).to(asked.device) for head in range(heads)]
    targets = torch.full((asked.batch, 32), -1)
    for row, length in enumerate(np.random.default_rng(0).integers(4, 12, asked.batch)):
        targets[row, :length] = torch.randint(1, asked.classes, (int(length),), generator=random)
    words = torch.randn(asked.batch, *PLANES, generator=random).relu().to(asked.device)
    weights, optimizer = torch.rand(asked.batch, heads).to(asked.device), one_group_a_parameter(looped)
    targets = targets.to(asked.device)
    return min(seconds_of(lambda: looped_step(looped, optimizer, words, targets, weights), asked.device) for _ in range(1 + rounds))


def operators(trial: Trial, material: Material, device: str, form: Kernels) -> dict[str, int]:
    """Operators of a step that do something, of packs of two and of seven trials."""
    found = {}
    for trials in (2, 7):
        pack = Pack([trial] * trials, material, universal(), device, form)
        pack.advance()
        with profile(activities=[ProfilerActivity.CPU]) as seen:
            pack.advance()
        names = [event.name for event in seen.events() if not event.cpu_children]
        found[f"ops_k{trials}"] = sum(name.startswith("aten::") and name not in VIEWS for name in names)
    return found


if __name__ == "__main__":
    main()
