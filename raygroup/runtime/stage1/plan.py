"""Plan a sweep on stage 1: each trial trains a trunk and a universal head."""

import functools
from collections.abc import Callable
from pathlib import Path

from raygroup.config import Pretraining, Words, trial_id
from raygroup.config_sections import fingerprint, require
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import LAPTOP_WEIGHTS, SPOTTER_READER, StartWeights, file_hash, require_distinct
from raygroup.runtime.stage1.job import Stage1Job
from raygroup.runtime.stage1.start import require_start_fits, start_file
from raygroup.search_space import Sweep
from raygroup.storage.layout import weights_path, words_path


def plan_stage1_jobs(sweep: Sweep, storage: Place, words_hash: Callable[[Words], str]) -> tuple[Stage1Job, ...]:
    """Give every trial its id and its places. ``words_hash`` returns the fingerprint of the words that settings ask for.

    Raises ConfigError if two trials are the same, or if the first weights are missing or do not fit.
    """
    hash_once = functools.cache(file_hash)
    jobs = []
    for label, trial in sweep.trials():
        if not isinstance(trial, Pretraining):
            continue
        require(
            trial.rehearsal == 0, "rehearsal", trial.rehearsal, "0 in a sweep, which reads one set of words: python -m raygroup.pretrain "
            "takes several",
        )  # fmt: skip
        start = _start_weights(trial, storage, hash_once)
        words = words_hash(trial.words)
        data = fingerprint(words, hash_once(start.file)) if start else words
        job_id = trial_id(sweep.name, trial, data)
        jobs.append(Stage1Job(job_id, label, trial, storage / sweep.name / job_id, data, words_path(storage, words), start))
    require_distinct(jobs)
    return tuple(jobs)


def _start_weights(trial: Pretraining, storage: Place, hash_once: Callable[[Path], str]) -> StartWeights | None:
    if not trial.start:
        return None
    file = start_file(trial.start)
    require_start_fits(trial, file)
    return StartWeights("weights", file, None if file in (LAPTOP_WEIGHTS, SPOTTER_READER) else weights_path(storage, hash_once(file)))
