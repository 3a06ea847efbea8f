"""The stage-1 weights that trials on words start from: a file, or the result of a trial of stage 1."""

import functools
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from raygroup.config import Trial
from raygroup.config_sections import fingerprint
from raygroup.files.local_copies import copy_path
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS, Job, WordJob, file_hash, weights_file, word_jobs
from raygroup.runtime.planning.requirements import universal_head_size
from raygroup.runtime.stage1.job import stage1_jobs
from raygroup.storage.layout import weights_path


@dataclass(frozen=True)
class TrialWeights:
    """The stage-1 weights of one trial."""

    file: Path
    """The file on this machine. A trial of stage 1 may not have written it yet."""
    shared: Place | None
    """Where every machine can read it. None for the weights in the package."""
    content: str
    """Hash of the weights, or of the settings and the data of the trial that makes them."""
    trunk: str
    """The same of the trunk alone. Equal trunks share their features."""
    start: Place | None = None
    """Folder of the trial of stage 1 that makes them, or of the trial whose heads go on."""


class StartingWeights:
    """Finds the stage-1 weights of trials."""

    def __init__(self, storage: Place, earlier: Sequence[Job]) -> None:
        """``earlier`` are the trials of all stages that come before, or none."""
        self.storage, self.stage1 = storage, stage1_jobs(earlier)
        self._grouped = {job.folder: job for job in word_jobs(earlier)}
        self._hash_once = functools.cache(file_hash)
        self._trunk_once = functools.cache(lambda place: self.stage1[place].trunk)

    def __call__(self, trial: Trial, start: int | None) -> TrialWeights:
        """Return the weights of a trial. ``start`` is the place of its trial of stage 1.

        Raises ConfigError if the file that ``weights.file`` names does not exist.
        """
        if start is not None:
            return self._trained_weights(start)
        file = weights_file(trial.weights.file)
        content = self._hash_once(file)
        return TrialWeights(file, None if file == LAPTOP_WEIGHTS else weights_path(self.storage, content), content, content)

    def behind(self, before: WordJob) -> TrialWeights:
        """Return the stage-1 weights behind a grouped trial, for a trial whose heads go on from its heads.

        Those heads count as a part of the weights.
        """
        first = self._first_grouped(before)
        place = next((number for number, job in enumerate(self.stage1) if job.folder == first.start), None)
        weights = self(first.trial, place)
        return replace(weights, content=fingerprint(weights.content, before.content), start=before.folder)

    def _first_grouped(self, job: WordJob) -> WordJob:
        """Return the trial of stage 2 that a chain of trials began with."""
        while job.start in self._grouped:
            job = self._grouped[job.start]
        return job

    def _trained_weights(self, start: int) -> TrialWeights:
        job = self.stage1[start]
        file = job.result if isinstance(job.result, Path) else copy_path(job.result)
        return TrialWeights(file, job.result, job.content, self._trunk_once(start), job.folder)

    def head_size(self, job: WordJob) -> tuple[int, int]:
        """Return embed and hidden of the universal head from which a trial starts."""
        start = self._first_grouped(job).start
        for stage1 in self.stage1:
            if stage1.folder == start:
                return stage1.trial.heads.embeds[0], stage1.trial.heads.hiddens[0]
        return universal_head_size(job.weights)
