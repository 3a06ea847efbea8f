"""Divide trials into packs.

On a GPU a pack is as many trials as fit its memory. On a processor it is one trial, except in a large sweep of small heads.
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

SMALL_HEAD = 32
"""Largest hidden size of heads that gain from a pack on a processor. Larger ones keep a core busy by themselves."""
_MOST_SMALL_HEADS = 32
"""Heads of a pack on a processor. More bring little (benchmarks/small_head_packs.py)."""
_FEWEST_PACKS = 16
"""A sweep on processors keeps at least so many packs, so that no core waits, and no fault costs much."""
_ALIGNED = 16
"""Values in 64 bytes. If all sizes are multiples, and the number of heads is even, a trial has the same bits in a pack as alone."""


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
        return _packs_on_processors(jobs)
    require_kernels(placement)
    packs = [JobPack((job,)) for job in jobs if not isinstance(job, WordJob)]
    words = word_jobs(jobs)
    if not words:
        return packs
    kernels = choose_kernels(placement.kernels, placement.device).name
    memory_bytes = 1e9 * (placement.device_memory_gb or gpu_memory_gb())
    for group in _by_program(words):
        fills = fill_packs([job.trial for job in group], *network_sizes(group[0]), memory_bytes, kernels)
        packs += [JobPack(tuple(group[position] for position in positions)) for positions in fills]
    return packs


def _by_program(jobs: Sequence[WordJob]) -> list[list[WordJob]]:
    """Return the jobs that can share a program, group by group."""
    groups: dict[str, list[WordJob]] = {}
    for job in jobs:
        shared = ((job.store, job.features, job.weights), shared_settings(job.trial), listed_steps(job.folder))
        groups.setdefault(repr(shared), []).append(job)
    return list(groups.values())


def _packs_on_processors(jobs: Sequence[Job]) -> list[JobPack]:
    """Return the packs of a sweep on processors: trials of small heads share one where it changes none of their bits."""
    most_trials = len(jobs) // _FEWEST_PACKS
    small = [job for job in word_jobs(jobs) if _gains_from_a_pack(job)] if most_trials > 1 else []
    packs: dict[str, JobPack] = {job.id: JobPack((job,)) for job in jobs}
    for group in _by_program(small):
        by_count: dict[int, list[WordJob]] = {}
        for job in group:
            by_count.setdefault(job.trial.heads.count, []).append(job)
        for count, same in by_count.items():
            size = max(1, min(most_trials, _MOST_SMALL_HEADS // count))
            for start in range(0, len(same), size):
                members = same[start : start + size]
                packs |= {members[0].id: JobPack(tuple(members))}
                for member in members[1:]:
                    del packs[member.id]
    return list(packs.values())


def _gains_from_a_pack(job: WordJob) -> bool:
    heads = job.trial.heads
    sizes = {*heads.embeds, *heads.hiddens}
    is_small = max(heads.hiddens) <= SMALL_HEAD and not job.trial.grouping.is_cover
    return is_small and heads.count % 2 == 0 and len(sizes) <= 2 and all(size % _ALIGNED == 0 for size in sizes)


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
