"""One attempt at a pack: its trials' settings, words and last common checkpoint brought together from their folders."""

import contextlib
import functools
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path, PurePosixPath
from typing import Any

import numpy as np
from torch import Tensor

from raygroup.config import Trial, from_json
from raygroup.files.atomic import read_json
from raygroup.files.local_copies import localised
from raygroup.files.places import Place
from raygroup.files.retry import Patience
from raygroup.history.sinks import Marks
from raygroup.history.writer import HistoryWriter
from raygroup.model.kernels.forms import Kernels, kernels
from raygroup.runtime.attempt.checkpoints import drop_checkpoints_after, load_checkpoint, sound_steps
from raygroup.runtime.attempt.provenance import git_commit, versions
from raygroup.runtime.attempt.worker_group import ONE, Team
from raygroup.runtime.planning.packs import Placement
from raygroup.runtime.planning.plan import weights_file
from raygroup.storage.leases import Lease
from raygroup.storage.locks import CONFIG
from raygroup.storage.sweeps import CACHE
from raygroup.training.label_batches import encoded
from raygroup.training.packs.pack import Pack
from raygroup.training.packs.training_data import Material
from raygroup.training.universal_weights import Universal, load_universal
from raygroup.words.charset import Charset
from raygroup.words.coverage import task_shares
from raygroup.words.feature_store import Features, localised_features
from raygroup.words.sources import mixed_rows
from raygroup.words.word_store import WordTable
from raygroup.words.word_store import read_words as open_words

Report = Callable[[dict[str, float]], None]
Failures = dict[str, str]
"""Trial id -> why it failed."""
Broken = Callable[[Place, Exception], None]
"""Told of a trial that cannot be trained."""


@dataclass(frozen=True)
class Work:
    """What a worker is asked to do, and how."""

    storage: Place
    placement: Placement
    patience: Patience
    team: Team = ONE
    report: Report = lambda scalars: None


@dataclass
class Attempt:
    """One attempt at one trial of a pack."""

    folder: Place
    trial: Trial
    lease: Lease
    history: HistoryWriter | None
    """None in a worker that does not lead: it writes nothing."""
    earlier: Marks
    """Of the files that hold the steps before this attempt's first."""
    losses: dict[str, float] = field(default_factory=dict)
    """Of the last step recorded."""
    shown: float = 0.0
    """When its progress was last written."""

    def marks(self) -> Marks:
        """Of every file that holds steps up to the last flush."""
        return self.earlier | self.writer.marks()

    @property
    def writer(self) -> HistoryWriter:
        if self.history is None:
            raise RuntimeError(f"{self.folder}: this worker does not lead, so it writes nothing")
        return self.history

    def close(self) -> None:
        """Ends the history; what was recorded stays readable."""
        if self.history is not None:
            self.history.close()


@dataclass
class Session:
    """The trials of a pack that are still training, in the pack's order."""

    work: Work
    pack: Pack
    attempts: list[Attempt]
    words: WordTable
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


def opened(leases: Sequence[Lease], work: Work, broken: Broken) -> Session | None:
    """The session of these trials, which share their words, from the newest checkpoint that is sound for all of them; None where no trial
    is left of those that ``broken`` was not told of."""
    team, patience = work.team, work.patience
    read = team.told(_each(leases, lambda lease: _declared(lease, work), broken) if team.leads else None)
    if not read:
        return None
    configs, trials = zip(*read.values(), strict=True)
    stores = (work.storage / configs[0]["store"], work.storage / configs[0]["features"])
    words, material = _read(patience, *stores, trials[0])
    step, states, about, earlier = _reached(list(read), work)
    form = _form(work.placement, about.get("kernels"))
    facts = {"charset": material.charset.hash, "kernels": form.name, "device": work.placement.device, "from_step": step}

    def attempted(lease: Lease) -> Attempt:
        config, trial = read[lease]
        return _attempt(lease, config, trial, material.tasks, facts, earlier.get(lease, {}), patience)

    attempts = _each(list(read), attempted, broken) if team.leads else {}
    kept = team.told(list(attempts))
    attempts = attempts or {lease: Attempt(lease.folder, read[lease][1], lease, None, {}) for lease in kept}
    if not kept:
        return None
    try:
        universal = _universal(work.storage, configs[0]["weights"])
        pack = Pack(
            [read[lease][1] for lease in kept], material, universal, work.placement.device, form, team.shard, work.placement.accumulate
        )  # fmt: skip
        if step:
            pack.restore(step, [states[lease] for lease in kept])
    except BaseException:
        for attempt in attempts.values():
            attempt.close()
        raise
    return Session(work, pack, list(attempts.values()), words, pack.step)


def _reached(leases: Sequence[Lease], work: Work) -> tuple[int, dict[Lease, dict[str, Tensor]], dict[str, Any], dict[Lease, Marks]]:
    """The newest step of which all have a sound checkpoint, or 0; with the states, what the first says of itself, and their histories."""
    team, patience = work.team, work.patience
    sound = (patience(functools.partial(sound_steps, lease.folder)) for lease in leases if team.leads)
    step = team.told(max(set.intersection(*sound), default=0) if team.leads else 0)
    if not step:
        return 0, {}, {}, {}
    found = {lease: patience(functools.partial(load_checkpoint, lease.folder, step)) for lease in leases}
    states, marks = {lease: each[0] for lease, each in found.items()}, {lease: each[2] for lease, each in found.items()}
    return step, states, found[leases[0]][1], marks


def _each(leases: Sequence[Lease], make: Callable[[Lease], Any], broken: Broken) -> dict[Lease, Any]:
    """What each trial gives; one that gives an error does not keep the others from training."""
    made = {}
    for lease in leases:
        try:
            made[lease] = make(lease)
        except Exception as error:
            broken(lease.folder, error)
    return made


def _declared(lease: Lease, work: Work) -> tuple[dict[str, Any], Trial]:
    config = work.patience(lambda: read_json(lease.folder / CONFIG))
    config |= {name: str(PurePosixPath(config[name])) for name in ("store", "features")}
    return config, from_json(config["trial"])


def _form(placement: Placement, pinned: str | None) -> Kernels:
    """The form that a checkpoint was computed in, so that a trial goes on with its own bits; where there is none, or this device cannot
    run it, the one that was asked for."""
    if pinned is not None:
        with contextlib.suppress(ValueError):
            return kernels(pinned, placement.device)
    return kernels(placement.kernels, placement.device)


def _attempt(
    lease: Lease, config: dict[str, Any], trial: Trial, tasks: Sequence[str], about: dict[str, Any], earlier: Marks, patience: Patience
) -> Attempt:
    metadata = {
        "config": config["trial"], "label": config["label"], "data": config["data"], "versions": versions(), "git_commit": git_commit(),
        **about,
    }  # fmt: skip
    with lease.guard():
        drop_checkpoints_after(lease.folder, about["from_step"])
    lease.note(from_step=about["from_step"])
    history = HistoryWriter(lease.folder, lease.attempt, tasks, trial.heads.count, metadata, patience=patience)
    return Attempt(lease.folder, trial, lease, history, earlier)


def _read(patience: Patience, store: Place, features: Place, trial: Trial) -> tuple[WordTable, Material]:
    words, material = _opened(patience(lambda: localised(store)), patience(lambda: localised_features(features)), trial.grouping.word_tasks)
    return words, replace(material, mixed=mixed_rows(words, trial.words))


@functools.lru_cache(2)
def _opened(store: Path, features: Path, word_tasks: str) -> tuple[WordTable, Material]:
    """The words of a pack, kept for the next one that this process trains."""
    words = open_words(store)
    return words, _material(words, Features(features), word_tasks)


def _universal(storage: Place, name: str) -> Universal:
    return _loaded(localised(storage / name) if name.startswith(f"{CACHE}/") else weights_file(name))


@functools.lru_cache(2)
def _loaded(path: Path) -> Universal:
    return load_universal(path)


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
