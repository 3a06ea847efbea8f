"""Divide trials into packs.

On a processor a pack is one trial, on a GPU as many as fit its memory.
"""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Protocol

from raygroup.costs import pack_bytes
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place
from raygroup.model.kernels.forms import choose_kernels
from raygroup.runtime.placement import Placement, gpu_memory_gb, require_kernels
from raygroup.runtime.planning.jobs import Job, WordJob, word_jobs
from raygroup.storage.checkpoint_index import listed_steps
from raygroup.training.packs.packing import fill_packs, shared_settings
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.charset import Charset
from raygroup.words.feature_store import stored_shape
from raygroup.words.word_store import open_word_store


@dataclass(frozen=True)
class JobPack:
    """Trials of a sweep that one process trains together."""

    jobs: tuple[Job, ...]

    @property
    def word_jobs(self) -> tuple[WordJob, ...]:
        """The trials on words. A pack of another kind of trial has none."""
        return word_jobs(self.jobs)

    @property
    def memory_bytes(self) -> int | None:
        """Estimated memory on a GPU."""
        return self.memory_on("cuda")

    def memory_on(self, device: str, kernels: str = "auto") -> int | None:
        """Return the estimated memory in bytes on a device, in one form of the kernels. That of other kinds of trials is not known."""
        jobs = self.word_jobs
        form = choose_kernels(kernels, device).name
        return pack_bytes([job.trial for job in jobs], *network_sizes(jobs[0]), on_gpu=device != "cpu", kernels=form) if jobs else None

    @property
    def id(self) -> str:
        """The id of the first trial, and the number of the others."""
        return self.jobs[0].id + (f"+{len(self.jobs) - 1}" if len(self.jobs) > 1 else "")


class PackSource(Protocol):
    """Decides during a run what else to train, such as a search."""

    @property
    def sweep_folder(self) -> Place: ...

    @property
    def over(self) -> bool:
        """Return True if no further pack will come."""

    def next(self) -> JobPack | None:
        """Return a further pack, or None if none is ready."""

    def end(self, ids: Sequence[str], failed: Mapping[str, str]) -> None:
        """Receive the ids of trials that are done or failed for good, and the reasons of the failed ones."""


def make_packs(jobs: Sequence[Job], placement: Placement) -> list[JobPack]:
    """Divide jobs into packs.

    Raises ConfigError if no GPU's memory is known, and for kernels that the GPU cannot run.

    The jobs of a pack share their inputs, the shape of their program, and the steps of their
    checkpoints. A trial of stage 1 or on scenes trains alone.
    """
    if placement.device == "cpu":
        return [JobPack((job,)) for job in jobs]
    require_kernels(placement)
    packs = [JobPack((job,)) for job in jobs if not isinstance(job, WordJob)]
    words = word_jobs(jobs)
    if not words:
        return packs
    kernels = choose_kernels(placement.kernels, placement.device).name
    memory_bytes = 1e9 * (placement.device_memory_gb or gpu_memory_gb())
    groups: dict[str, list[WordJob]] = {}
    for job in words:
        shared = ((job.store, job.features, job.weights), shared_settings(job.trial), listed_steps(job.folder))
        groups.setdefault(repr(shared), []).append(job)
    for group in groups.values():
        fills = fill_packs([job.trial for job in group], *network_sizes(group[0]), memory_bytes, kernels)
        packs += [JobPack(tuple(group[position] for position in positions)) for positions in fills]
    return packs


def network_sizes(job: WordJob) -> tuple[int, tuple[int, ...]]:
    """Return the number of output classes and the shape of word features."""
    planned_classes = sum(job.trial.words.characters) + 2  # the classes for begin and end
    classes = _num_classes(job.store) if job.store.is_file() else planned_classes
    shape = stored_shape(job.features) if job.features.is_file() else FEATURE_SHAPE
    return classes, shape


@functools.cache
def _num_classes(store: Place) -> int:
    words = open_word_store(local_copy(store))
    labels = words.labels()
    return Charset.from_labels(labels[row] for row in words.rows_of("train")).num_classes
