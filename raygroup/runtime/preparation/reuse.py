"""Reuse finished trials of other sweeps.

The hash in a trial's id leaves out the sweep's name. So two sweeps of a storage path may declare
the same trial, and one training serves both.
"""

import contextlib
import fnmatch
import os
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path, PurePosixPath

from raygroup.config import Pretraining, Trial, trial_id
from raygroup.errors import ConfigError
from raygroup.files.atomic import PARTIAL_GLOB, read_json, write_json
from raygroup.files.local_copies import fetch
from raygroup.files.places import Place
from raygroup.runtime.planning.jobs import Job, declare_trials
from raygroup.runtime.planning.plan import Plan
from raygroup.search_space import any_trial_from_json
from raygroup.spotter_config import Detector
from raygroup.spotting_config import Spotting
from raygroup.storage.identity import same_trials
from raygroup.storage.layout import (
    CHECKPOINT_INDEX_FILE,
    CHECKPOINTS_FOLDER,
    CHECKPOINTS_GLOB,
    CONFIG_FILE,
    DETECTOR_FILE,
    DONE_FILE,
    GROUP_READINGS_FILE,
    HISTORY_FILE,
    LEASE_FILE,
    PREDICTIONS_FILE,
    SPOTTER_FILE,
    SWEEP_FILE,
    TASK_EVIDENCE_FILE,
    TENSORBOARD_FOLDER,
    UNIVERSAL_FILE,
    WORD_FACTS_FILE,
    now,
)
from raygroup.storage.sweeps import done_ids

_RESULTS = (
    HISTORY_FILE, TASK_EVIDENCE_FILE, PREDICTIONS_FILE, GROUP_READINGS_FILE, WORD_FACTS_FILE, UNIVERSAL_FILE, DETECTOR_FILE, SPOTTER_FILE,
    f"{CHECKPOINTS_FOLDER}/{CHECKPOINT_INDEX_FILE}", f"{CHECKPOINTS_FOLDER}/{CHECKPOINTS_GLOB}", f"{TENSORBOARD_FOLDER}/*",
)  # fmt: skip
"""Files that a finished trial hands on."""
_RESULT_OF_KIND = {Trial: PREDICTIONS_FILE, Pretraining: UNIVERSAL_FILE, Detector: DETECTOR_FILE, Spotting: SPOTTER_FILE}
"""The result that a finished trial must have, beside its history."""


def find_finished_twins(plan: Plan, missing: Sequence[Job]) -> dict[str, Place]:
    """Return finished trials of other sweeps that are the same as missing ones: id -> folder.

    A trial that was begun is not looked for, because a process may still write to it.
    """
    wanted = {_result_hash(job.id): job for job in missing}
    twins: dict[str, Place] = {}
    for sweep in _other_sweeps(plan):
        for done_id in done_ids(sweep):
            job = wanted.get(_result_hash(done_id))
            if job and job.id not in twins and not (job.folder / LEASE_FILE).is_file() and _is_same_trial(sweep / done_id, job):
                twins[job.id] = sweep / done_id
    return twins


def reuse_trials(plan: Plan, twins: Mapping[str, Place]) -> None:
    """Give finished trials of other sweeps to this one.

    Files are linked if the file system can, otherwise copied. ``DONE.json`` comes last and names
    the trial that was trained.
    """
    for job in plan.jobs:
        if job.id in twins:
            _reuse_trial(plan, job, twins[job.id])


def reuse_text(twins: Mapping[str, Place]) -> str:
    """Return a line on the trials that are reused."""
    sweeps = ", ".join(sorted({folder.parent.name for folder in twins.values()}))
    trials = "1 trial is" if len(twins) == 1 else f"{len(twins)} trials are"
    return f"{trials} the same as in {sweeps}, so those results are used (--no-reuse trains again)"


def _other_sweeps(plan: Plan) -> Iterator[Place]:
    paths: list[Place] = [*plan.storage.glob(f"*/{SWEEP_FILE}")]
    return (path.parent for path in sorted(paths, key=str) if path.parent != plan.folder)


def _result_hash(name: str) -> str:
    return name.rpartition("-")[2]


def _is_same_trial(folder: Place, job: Job) -> bool:
    """Return True if a folder holds the trial of a job.

    Its settings are hashed again: a folder may have been renamed, or its files damaged.
    """
    try:
        config, outcome = read_json(folder / CONFIG_FILE), read_json(folder / DONE_FILE)
        trial = any_trial_from_json(config["trial"])
    except (ConfigError, KeyError, TypeError):
        return False
    # The id of a trial on a user's words does not depend on settings for rendering.
    ids = {trial_id(folder.parent.name, each, config.get("data", "")) for each in same_trials(trial)}
    is_bank = isinstance(trial, Trial) and trial.grouping.is_cover
    result = GROUP_READINGS_FILE if is_bank else _RESULT_OF_KIND[type(trial)]
    has_results = all((folder / name).is_file() for name in (HISTORY_FILE, result))
    return folder.name in ids and config.get("data") == job.data and bool(outcome) and has_results


def _reuse_trial(plan: Plan, job: Job, twin: Place) -> None:
    for pattern in _RESULTS:
        for path in [path for path in twin.glob(pattern) if not fnmatch.fnmatch(path.name, PARTIAL_GLOB)]:
            _link_or_copy(path, job.folder / PurePosixPath(str(path)[len(str(twin)) + 1 :]))
    declare_trials([job], plan.storage)
    outcome = read_json(twin / DONE_FILE)
    origin = outcome.get("reused_from") or {"trial": twin.name, "sweep": twin.parent.name, "finished_at": outcome.get("finished_at")}
    write_json(job.folder / DONE_FILE, outcome | {"reused_from": origin, "finished_at": now()})


def _link_or_copy(source: Place, target: Place) -> None:
    """Make a file appear whole. Files of a finished trial are replaced, never changed, so a link is safe."""
    if not isinstance(target, Path):
        target.filesystem.copy_file(source.key, target.key)  # type: ignore[union-attr]
        return
    target.parent.mkdir(parents=True, exist_ok=True)
    with contextlib.suppress(OSError):
        target.unlink(missing_ok=True)
        os.link(str(source), target)
        return
    fetch(source, target)
