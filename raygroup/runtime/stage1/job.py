"""A trial of stage 1 in a plan."""

from collections.abc import Iterable
from dataclasses import dataclass

from raygroup.config import Pretraining, trial_fingerprint
from raygroup.costs import stage1_cpu_s
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import LAPTOP, LAPTOP_WEIGHTS, SPOTTER, Job, StartWeights, WordJob, file_hash, relative_path
from raygroup.storage.layout import UNIVERSAL_FILE


@dataclass(frozen=True)
class Stage1Job(Job):
    """A trial that trains the trunk and the universal head."""

    trial: Pretraining
    store: Place
    """The word store."""
    start: StartWeights | None
    """The first weights. None: it learns from nothing."""

    @property
    def cpu_s(self) -> float:
        return stage1_cpu_s(self.trial)

    @property
    def caches(self) -> tuple[Place, ...]:
        return (self.store, *([self.start.shared] if self.start and self.start.shared else ()))

    @property
    def result(self) -> Place:
        """The weights file that the finished trial has written."""
        return self.folder / UNIVERSAL_FILE

    @property
    def content(self) -> str:
        """The fingerprint of all that the result depends on. It does not contain the sweep's name, as the id does."""
        return trial_fingerprint(self.trial, self.data)

    @property
    def trunk(self) -> str:
        """The hash of the trunk of the result. A trunk that stays frozen is that of the first weights, so trials share its features."""
        return file_hash(self.start.file) if self.start and self.trial.steps == 0 else self.content

    def inputs(self, storage: Place) -> dict[str, str]:
        words = {"store": relative_path(self.store, storage)}
        if self.start is None:
            return words
        in_package = LAPTOP if self.start.file == LAPTOP_WEIGHTS else SPOTTER
        return words | {self.start.name: relative_path(self.start.shared, storage) if self.start.shared else in_package}


JobOnWords = WordJob | Stage1Job
"""A job that reads a word store."""


def jobs_on_words(jobs: Iterable[Job]) -> tuple[JobOnWords, ...]:
    """Return the jobs that read a word store."""
    return tuple(job for job in jobs if isinstance(job, WordJob | Stage1Job))


def stage1_jobs(jobs: Iterable[Job]) -> tuple[Stage1Job, ...]:
    """Return the jobs of stage 1."""
    return tuple(job for job in jobs if isinstance(job, Stage1Job))
