"""One attempt at a pack: its trials' settings, words and last common checkpoint brought together from their folders."""

import contextlib
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
from torch import Tensor

from raygroup.config import Trial, from_json
from raygroup.history.reader import attempt_files
from raygroup.history.storage import read_json
from raygroup.history.writer import HistoryWriter
from raygroup.model.kernels import Kernels, kernels
from raygroup.runtime.checkpoints import drop_checkpoints_after, load_checkpoint, sound_steps
from raygroup.runtime.ledger import CONFIG
from raygroup.runtime.packs import Placement
from raygroup.runtime.plan import weights_file
from raygroup.runtime.provenance import git_commit, versions
from raygroup.training.material import Material
from raygroup.training.pack import Pack
from raygroup.training.targets import encoded
from raygroup.training.weights import load_universal
from raygroup.words.charset import Charset
from raygroup.words.coverage import task_shares
from raygroup.words.features import Features
from raygroup.words.store import WordTable
from raygroup.words.store import read_words as open_words

Report = Callable[[dict[str, float]], None]
Failures = dict[str, str]
"""Trial id -> why it failed."""


@dataclass
class Attempt:
    """One attempt at one trial of a pack."""

    folder: Path
    config: dict[str, Any]
    trial: Trial
    history: HistoryWriter
    number: int
    losses: dict[str, float] = field(default_factory=dict)
    """Of the last step recorded."""


@dataclass
class Session:
    """The trials of a pack that are still training, in the pack's order."""

    pack: Pack
    attempts: list[Attempt]
    words: WordTable
    report: Report
    first_step: int
    """Steps that earlier attempts had done."""
    failed: Failures = field(default_factory=dict)
    started: float = field(default_factory=time.monotonic)
    cpu_before: float = field(default_factory=time.process_time)
    waiting: list[Tensor] = field(default_factory=list)
    recorded: float = field(default_factory=time.monotonic)
    """When steps were last brought from the device."""

    @property
    def steps(self) -> int:
        return self.pack.common.training.steps


def opened(folders: Sequence[Path], storage: Path, placement: Placement, report: Report) -> Session:
    """The session of these trials, which share their words, from the newest checkpoint that is sound for all of them."""
    configs = [read_json(folder / CONFIG) for folder in folders]
    trials = [from_json(config["trial"]) for config in configs]
    words = open_words(storage / configs[0]["store"])
    material = _material(words, Features(storage / configs[0]["features"]), trials[0].grouping.word_tasks)
    universal = load_universal(weights_file(configs[0]["weights"]))
    step = max(set.intersection(*map(sound_steps, folders)), default=0)
    found = [load_checkpoint(folder, step) for folder in folders] if step else []
    form = _form(placement, found[0][1].get("kernels") if found else None)
    pack = Pack(trials, material, universal, placement.device, form)
    if found:
        pack.restore(step, [tensors for tensors, _ in found])
    for folder in folders:
        drop_checkpoints_after(folder, step)
    attempts = [_attempt(*each, pack) for each in zip(folders, configs, trials, strict=True)]
    return Session(pack, attempts, words, report, pack.step)


def _form(placement: Placement, pinned: str | None) -> Kernels:
    """The form that a checkpoint was computed in, so that a trial goes on with its own bits; where there is none, or this device cannot
    run it, the one that was asked for."""
    if pinned is not None:
        with contextlib.suppress(ValueError):
            return kernels(pinned, placement.device)
    return kernels(placement.kernels, placement.device)


def _attempt(folder: Path, config: dict[str, Any], trial: Trial, pack: Pack) -> Attempt:
    number = 1 + max((int(path.stem.split("-")[1]) for path in attempt_files(folder)), default=0)
    material = pack.material
    metadata = {
        "config": config["trial"], "label": config["label"], "data": config["data"], "versions": versions(),
        "charset": material.charset.hash, "git_commit": git_commit(), "kernels": pack.kernels.name, "device": pack.device,
    }  # fmt: skip
    return Attempt(folder, config, trial, HistoryWriter(folder, number, material.tasks, trial.heads.count, metadata), number)


def _material(words: WordTable, features: Features, word_tasks: str) -> Material:
    tasks, labels = words.metadata.tasks, words.labels()
    train, task_of = words.rows_of("train"), words.task_numbers()
    charset = Charset.of([labels[row] for row in train])
    targets, lengths = encoded(labels, charset)
    p_wt = np.zeros((len(labels), len(tasks)), np.float32)
    known = np.flatnonzero(task_of >= 0)
    p_wt[known, task_of[known]] = 1
    unknown = np.flatnonzero(task_of < 0)
    if len(unknown):
        p_wt[unknown] = task_shares([labels[row] for row in unknown], tasks, word_tasks=word_tasks)
    return Material(features, targets, lengths, p_wt, train, tasks, charset)
