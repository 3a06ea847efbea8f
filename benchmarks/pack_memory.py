"""Compare the estimated memory of packs with the measured peak.

Run ``python benchmarks/pack_memory.py [--quick]``. The estimate is ``raygroup.costs.pack_bytes``
without the share of CUDA itself. The peak counts tensors: on a GPU what torch's allocator reports,
on a CPU the sum of the allocations that torch's profiler records. The last line is one JSON object.
``ratio`` is the estimate over the peak.
"""

import argparse
import gc
import json
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import torch
from machine import machine_name, print_figures
from timing import prepare_process
from torch.profiler import ProfilerActivity, profile, record_function
from training_problem import PLANES, random_training_data, unused_universal_model

from raygroup.config import Heads, Training, Trial
from raygroup.costs import pack_bytes
from raygroup.model.kernels.forms import FORMS
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import TrainingData
from raygroup.trunks import FEATURE_SHAPE

CHARACTERS = (2, 7)
"""Words of 5.5 characters with their end, close to the mean that the estimate assumes."""
_STEPS_BEGIN = "steps begin"


@dataclass(frozen=True)
class Setting:
    """One pack whose memory is measured."""

    shape: tuple[int, ...]
    heads: int
    batch: int
    classes: int
    embed: int
    hidden: int
    trials: int = 1
    kernels: str = "plain"
    evidence: str = "none"
    """Evidence that is gathered at every step."""
    evidence_words: int = 0

    def pack(self) -> list[Trial]:
        """Return the trials of the pack. They differ in their seed."""
        heads = Heads(count=self.heads, embed=self.embed, hidden=self.hidden, start="independent")
        training = Training(batch=self.batch)
        if self.evidence != "none":
            training = replace(training, evidence=self.evidence, evidence_every=1, evidence_words=self.evidence_words)
        return [Trial(seed=seed, heads=heads, training=training) for seed in range(self.trials)]


ON_GPU = (
    Setting(PLANES, 2, 32, 9002, 200, 256),
    Setting(PLANES, 7, 32, 9002, 200, 256),
    Setting(PLANES, 5, 32, 9002, 200, 256, trials=6),
    Setting(PLANES, 5, 32, 9002, 200, 256, kernels="factored"),
    Setting(PLANES, 5, 32, 9002, 200, 256, kernels="winograd"),
    Setting(PLANES, 5, 32, 9002, 200, 256, kernels="bf16"),
    Setting(PLANES, 5, 32, 9002, 200, 256, kernels="graphs"),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64, trials=24),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64, trials=24, kernels="graphs"),
)
ON_CPU = (
    Setting(PLANES, 2, 8, 302, 32, 64),
    Setting(PLANES, 2, 8, 302, 32, 64, kernels="factored"),
    Setting(PLANES, 2, 8, 302, 32, 64, kernels="winograd"),
    Setting(PLANES, 5, 8, 302, 16, 32, trials=2),
    Setting(PLANES, 2, 4, 9002, 32, 64),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64),
    Setting(FEATURE_SHAPE, 2, 16, 302, 32, 64),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64, trials=3, kernels="winograd"),
    Setting(FEATURE_SHAPE, 4, 16, 314, 16, 16, evidence="gradients", evidence_words=48),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64, evidence="gradients"),
    Setting(FEATURE_SHAPE, 5, 48, 858, 32, 64, evidence="lookahead"),
    Setting(FEATURE_SHAPE, 5, 16, 858, 32, 64, trials=3, evidence="lookahead"),
    Setting(PLANES, 2, 4, 9002, 32, 64, evidence="lookahead"),
)


def main() -> None:
    """Measure every setting, print the figures, and end with one JSON object."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--quick", action="store_true", help="three settings")
    parser.add_argument("--device", choices=("cpu", "cuda"), default="cpu")
    arguments = parser.parse_args()
    prepare_process()
    settings = ON_GPU if arguments.device == "cuda" else ON_CPU
    settings = settings[2:5] if arguments.quick else settings
    rows = [measure(setting, arguments.device) for setting in settings]
    ratios = [float(str(row["ratio"])) for row in rows]
    for row in rows:
        print(" ".join(f"{name} {value}" for name, value in row.items()))
    figures: dict[str, object] = {
        "lowest_ratio": min(ratios), "highest_ratio": max(ratios), "device": arguments.device, "machine": machine_name(arguments.device),
    }  # fmt: skip
    print_figures(figures)
    print(json.dumps({"memory": rows} | figures))


def measure(setting: Setting, device: str) -> dict[str, object]:
    """Return a setting with its estimate, its measured peak and their ratio."""
    trials = setting.pack()
    with tempfile.TemporaryDirectory() as folder:
        data = random_training_data(Path(folder), setting.shape, setting.classes, characters=CHARACTERS)
        measured = peak_bytes(trials, data, setting.kernels, device)
    estimated = pack_bytes(trials, setting.classes, setting.shape, on_gpu=False, kernels=setting.kernels)
    return {
        "shape": list(setting.shape), "heads": setting.heads, "batch": setting.batch, "classes": setting.classes,
        "hidden": setting.hidden, "trials": setting.trials, "kernels": setting.kernels, "evidence": setting.evidence,
        "estimated_gb": round(estimated / 1e9, 4), "peak_gb": round(measured / 1e9, 4), "ratio": round(estimated / measured, 2),
        "cuda_itself_mb": round(memory_of_cuda_itself() / 1e6) if device == "cuda" else None,
    }  # fmt: skip


def peak_bytes(trials: Sequence[Trial], data: TrainingData, kernels: str, device: str, steps: int = 1) -> int:
    """Return the most bytes that tensors hold during a pack's steps.

    They include the weights and the optimizer.
    """
    if device == "cuda":
        return _peak_on_gpu(trials, data, kernels, steps)
    return _peak_on_cpu(trials, data, kernels, steps)


def _peak_on_gpu(trials: Sequence[Trial], data: TrainingData, kernels: str, steps: int) -> int:
    gc.collect()
    torch.cuda.empty_cache()
    before = torch.cuda.memory_allocated()
    pack = Pack(trials, data, unused_universal_model(), "cuda", FORMS[kernels])
    torch.cuda.reset_peak_memory_stats()
    for _ in range(steps + 1):
        pack.advance()
    torch.cuda.synchronize()
    return torch.cuda.max_memory_allocated() - before


def _peak_on_cpu(trials: Sequence[Trial], data: TrainingData, kernels: str, steps: int) -> int:
    """Sum what the profiler records from the first weight on."""
    universal = unused_universal_model()
    with profile(activities=[ProfilerActivity.CPU], profile_memory=True) as profiler:
        pack = Pack(trials, data, universal, kernels=FORMS[kernels])
        pack.advance()
        with record_function(_STEPS_BEGIN):
            pass
        for _ in range(steps):
            pack.advance()
    assert profiler.profiler is not None
    events = sorted(profiler.profiler.kineto_results.events(), key=lambda event: event.start_ns())
    in_use = peak = 0
    in_steps = False
    for event in events:
        if event.name() == "[memory]":
            in_use += event.nbytes()
        in_steps = in_steps or event.name() == _STEPS_BEGIN
        peak = max(peak, in_use) if in_steps else 0
    return peak


def memory_of_cuda_itself() -> int:
    """Return the bytes in use on the GPU outside torch's allocator.

    Other processes on the GPU count too.
    """
    free, total = torch.cuda.mem_get_info()
    return total - free - torch.cuda.memory_reserved()


if __name__ == "__main__":
    main()
