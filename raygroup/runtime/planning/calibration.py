"""``--calibrate``: time a few training steps of each distinct pack.

They run on synthetic words, in a process of their own.
"""

import functools
import tempfile
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from raygroup.costs import evidence_factor
from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.runtime.placement import Placement, machine_model
from raygroup.runtime.planning.packs import JobPack, network_sizes
from raygroup.runtime.planning.step_times import Calibration, program_name
from raygroup.runtime.process_map import map_in_order
from raygroup.runtime.processes import WorkerPool
from raygroup.runtime.worker_start import TRAINING
from raygroup.storage.layout import now

if TYPE_CHECKING:
    from raygroup.config import Trial
    from raygroup.training.packs.training_data import TrainingData

_STEPS = 10
"""Steps that are timed."""
_WARM_UP_STEPS = 3
_CAPTURE_STEPS = 16
"""Steps before the timed ones with CUDA graphs, which record each length of batch once before they
replay it.
"""
_MIN_CHARACTERS = 2
_MAX_CHARACTERS = 8
"""With ``_MIN_CHARACTERS``, words have 5 characters on average, 6 with their end, as in the default sweep."""
_FIRST_CODE_POINT = 0x20000
"""First character of the synthetic charset. More characters follow it than any charset has."""
_BATCH_ROWS = 1024
"""Words in one record batch of the features."""


def calibrate_packs(packs: Sequence[JobPack], placement: Placement, kernels: str) -> list[Calibration]:
    """Time each distinct program among the packs. Raises ConfigError if the device is missing, and for trials that group no words."""
    if any(not pack.word_jobs for pack in packs):
        raise ConfigError("--calibrate: it times trials that group words, not stage 1 or trials on scenes; leave it out")
    distinct = list({program_name(pack.jobs): pack for pack in packs}.values())
    machine = machine_model(placement.device)
    with WorkerPool(1, preload=TRAINING) as workers:
        times = [*map_in_order(workers, functools.partial(_time_step, placement=placement, form=kernels), distinct)]
    return [
        Calibration(program_name(pack.jobs), placement.device, kernels, machine, step_s, now())
        for pack, step_s in zip(distinct, times, strict=True)
    ]


def _time_step(pack: JobPack, placement: Placement, form: str) -> float:
    """Return the seconds of one training step.

    On a CPU they are processor seconds of one thread, on a GPU wall seconds. What gathering evidence adds is estimated from them.
    """
    import torch

    from raygroup.model.kernels.forms import choose_kernels
    from raygroup.training.allocator import keep_freed_memory
    from raygroup.training.packs.pack import Pack
    from raygroup.training.universal_weights import load_universal

    on_gpu = placement.device != "cpu"
    if on_gpu and not torch.cuda.is_available():
        raise ConfigError("--calibrate: torch sees no GPU on this machine; calibrate where trials will run, or leave the flag out")
    torch.set_num_threads(1)
    if not on_gpu:
        keep_freed_memory()
    trials = [_independent(job.trial) for job in pack.word_jobs]
    classes, shape = network_sizes(pack.word_jobs[0])
    form_kernels = choose_kernels(form, placement.device)
    with tempfile.TemporaryDirectory(prefix="raygroup-calibrate-") as folder:
        data = _synthetic_data(Path(folder), trials[0], classes, shape)
        training = Pack(
            trials, data, load_universal(pack.word_jobs[0].weights), placement.device, form_kernels, accumulate=placement.accumulate
        )
        clock = time.perf_counter if on_gpu else time.process_time
        for _ in range(_CAPTURE_STEPS if form_kernels.captured else _WARM_UP_STEPS):
            training.advance()
        if on_gpu:
            torch.cuda.synchronize()
        start = clock()
        for _ in range(_STEPS):
            training.advance()
        if on_gpu:
            torch.cuda.synchronize()
        return (clock() - start) / _STEPS * evidence_factor(pack.word_jobs[0].trial)


def _independent(trial: "Trial") -> "Trial":
    """Return a trial with the same program that starts from nothing. The number of steps does not count, and evidence comes later."""
    grouping = trial.grouping
    if grouping.is_fixed:
        grouping = replace(grouping, method="gumbel", groups=(), probe=0.0, probe_by="cosine")
    training = replace(trial.training, evidence="none", evidence_every=10, evidence_words=0)
    return replace(trial, heads=replace(trial.heads, start="independent"), grouping=grouping, training=training)


def _synthetic_data(folder: Path, trial: "Trial", classes: int, shape: tuple[int, ...]) -> "TrainingData":
    """Return words of random characters with random features. Their values do not change the time of a step."""
    from raygroup.training.label_batches import encode_labels
    from raygroup.training.packs.training_data import TrainingData
    from raygroup.words.charset import Charset
    from raygroup.words.feature_shards import write_features
    from raygroup.words.feature_store import FeatureStore

    random, tasks = generator("calibrate", classes, *shape), trial.words.task_names
    count = max(64, trial.training.batch)
    charset = Charset(tuple(chr(_FIRST_CODE_POINT + number) for number in range(classes - 2)))
    lengths = random.integers(_MIN_CHARACTERS, _MAX_CHARACTERS + 1, count)
    labels = ["".join(charset.characters[index] for index in random.integers(0, classes - 2, length)) for length in lengths]
    features = np.maximum(random.standard_normal((count, *shape), np.float32), 0).astype(np.float16)
    batches = [features[row : row + _BATCH_ROWS] for row in range(0, count, _BATCH_ROWS)]
    write_features(folder / "features.arrow", shape, batches, {})
    targets, encoded_lengths = encode_labels(labels, charset)
    p_wt = np.eye(len(tasks), dtype=np.float32)[random.integers(0, len(tasks), count)]
    return TrainingData(FeatureStore(folder / "features.arrow"), targets, encoded_lengths, p_wt, np.arange(count), tasks, charset)
