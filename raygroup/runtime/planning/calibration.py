"""``--calibrate``: a few real steps of each distinct pack, now, on made-up words of the right shape, in a process of their own."""

import platform
import subprocess
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.runtime.placement import Placement
from raygroup.runtime.planning.packs import JobPack, sizes
from raygroup.runtime.planning.step_times import Calibration, program
from raygroup.runtime.processes import pool
from raygroup.storage.layout import now

if TYPE_CHECKING:
    from raygroup.config import Trial
    from raygroup.training.packs.training_data import Material

_WARM_UP, _STEPS = 3, 10
_CAPTURED_WARM_UP = 16
"""Where each length of batch is recorded once before it is replayed."""
_SHORTEST, _LONGEST = 2, 8
"""Characters of the words: 5 on average, 6 with their end, as in the default sweep."""
_CODE_POINTS = 0x20000
"""Where the characters of the words begin: there are more than any charset has."""


def calibrated(packs: Sequence[JobPack], placement: Placement, kernels: str) -> list[Calibration]:
    """One for each distinct program among the packs. Raises ConfigError where the device is not there."""
    distinct = list({program(pack.jobs): pack for pack in packs}.values())
    machine = machine_of(placement.device)
    with pool(1) as process:
        seconds = [process.submit(_step_s, pack, placement, kernels).result() for pack in distinct]
    return [
        Calibration(program(pack.jobs), placement.device, kernels, machine, each, now())
        for pack, each in zip(distinct, seconds, strict=True)
    ]


def machine_of(device: str) -> str:
    """The model of the processor, or of the GPU; empty where there is none that can be asked."""
    if device != "cpu":
        ask = ["nvidia-smi", "--query-gpu=name", "--format=csv,noheader"]
        try:
            return subprocess.run(ask, capture_output=True, text=True, check=True, timeout=30).stdout.split("\n")[0].strip()
        except (OSError, subprocess.SubprocessError):
            return ""
    about = Path("/proc/cpuinfo")
    lines = about.read_text().splitlines() if about.exists() else []
    return next((line.split(":")[1].strip() for line in lines if line.startswith("model name")), platform.processor())


def _step_s(pack: JobPack, placement: Placement, form: str) -> float:
    """Seconds of a step: of the processor, one thread, or of the clock on a GPU."""
    import torch

    from raygroup.model.kernels.forms import kernels
    from raygroup.training.allocator import keep_freed_memory
    from raygroup.training.packs.pack import Pack
    from raygroup.training.universal_weights import load_universal

    on_gpu = placement.device != "cpu"
    if on_gpu and not torch.cuda.is_available():
        raise ConfigError("--calibrate: torch sees no GPU on this machine; calibrate where trials will run, or leave the flag out")
    torch.set_num_threads(1)
    if not on_gpu:
        keep_freed_memory()
    trials = [replace(job.trial, heads=replace(job.trial.heads, start="independent")) for job in pack.jobs]
    classes, shape = sizes(pack.jobs[0])
    computed = kernels(form, placement.device)
    with tempfile.TemporaryDirectory(prefix="raygroup-calibrate-") as folder:
        material = _made_up(Path(folder), trials[0], classes, shape)
        training = Pack(trials, material, load_universal(pack.jobs[0].weights), placement.device, computed, accumulate=placement.accumulate)
        clock = time.perf_counter if on_gpu else time.process_time
        for _ in range(_CAPTURED_WARM_UP if computed.captured else _WARM_UP):
            training.advance()
        if on_gpu:
            torch.cuda.synchronize()
        began = clock()
        for _ in range(_STEPS):
            training.advance()
        if on_gpu:
            torch.cuda.synchronize()
        return (clock() - began) / _STEPS


def _made_up(folder: Path, trial: "Trial", classes: int, shape: tuple[int, ...]) -> "Material":
    """Words of random characters on random features: a step's time does not depend on what they are."""
    from raygroup.training.label_batches import encoded
    from raygroup.training.packs.training_data import Material
    from raygroup.words.charset import Charset
    from raygroup.words.feature_store import FeatureStore, write_features

    draws, count, tasks = generator("calibrate", classes, *shape), max(64, trial.training.batch), trial.words.tasks
    charset = Charset(tuple(chr(_CODE_POINTS + number) for number in range(classes - 2)))
    lengths = draws.integers(_SHORTEST, _LONGEST + 1, count)
    labels = ["".join(charset.characters[place] for place in draws.integers(0, classes - 2, length)) for length in lengths]
    features = np.maximum(draws.standard_normal((count, *shape), np.float32), 0).astype(np.float16)
    write_features(folder / "features.arrow", shape, [features[row : row + 1024] for row in range(0, count, 1024)], {})
    targets, encoded_lengths = encoded(labels, charset)
    p_wt = np.eye(len(tasks), dtype=np.float32)[draws.integers(0, len(tasks), count)]
    return Material(FeatureStore(folder / "features.arrow"), targets, encoded_lengths, p_wt, np.arange(count), tasks, charset)
