"""Trials into packs: on a processor one trial each, on a GPU as many as fit its memory."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from raygroup.costs import pack_bytes
from raygroup.files.local_copies import local_copy
from raygroup.files.places import Place
from raygroup.packing import fill_packs, shared_settings
from raygroup.runtime.placement import Placement, gpu_memory_gb
from raygroup.runtime.planning.jobs import Job
from raygroup.storage.checkpoint_index import listed_steps
from raygroup.trunks import FEATURE_SHAPE
from raygroup.words.charset import Charset
from raygroup.words.feature_store import stored_shape
from raygroup.words.word_store import open_word_store


@dataclass(frozen=True)
class JobPack:
    """Trials of a sweep that train together."""

    jobs: tuple[Job, ...]

    @property
    def memory_bytes(self) -> int:
        """Estimate of what they take on a GPU."""
        return self.memory_on("cuda")

    def memory_on(self, device: str) -> int:
        """Estimate of what they take on a device."""
        return pack_bytes([job.trial for job in self.jobs], *sizes(self.jobs[0]), on_gpu=device != "cpu")

    @property
    def id(self) -> str:
        """Of the first, and how many follow."""
        return self.jobs[0].id + (f"+{len(self.jobs) - 1}" if len(self.jobs) > 1 else "")


def packs_of(jobs: Sequence[Job], placement: Placement) -> list[JobPack]:
    """Packs in which every job stands once. Raises ConfigError where no GPU's memory is known."""
    if placement.device == "cpu":
        return [JobPack((job,)) for job in jobs]
    memory_bytes = 1e9 * (placement.device_memory_gb or gpu_memory_gb())
    alike: dict[str, list[Job]] = {}
    for job in jobs:
        alike.setdefault(repr((_inputs(job), shared_settings(job.trial), listed_steps(job.folder))), []).append(job)
    found = []
    for group in alike.values():
        packs = fill_packs([job.trial for job in group], *sizes(group[0]), memory_bytes)
        found += [JobPack(tuple(group[place] for place in pack)) for pack in packs]
    return found


def sizes(job: Job) -> tuple[int, tuple[int, ...]]:
    """Classes of the output layer, and the shape of word features."""
    return _output(job.store, sum(job.trial.words.characters)), _shape(job.features)


def _inputs(job: Job) -> tuple[Place, Place, Path]:
    return job.store, job.features, job.weights


def _output(store: Place, planned: int) -> int:
    """Classes of the output layer: of the words, or of what is planned where there are none yet."""
    return _classes(store) if store.is_file() else planned + 2


@functools.cache
def _classes(store: Place) -> int:
    words = open_word_store(local_copy(store))
    labels = words.labels()
    return Charset.from_labels(labels[row] for row in words.rows_of("train")).num_classes


def _shape(features: Place) -> tuple[int, ...]:
    return stored_shape(features) if features.is_file() else FEATURE_SHAPE
