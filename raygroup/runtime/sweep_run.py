"""Run a planned sweep.

The run checks the sweep, prepares words and features, and trains the trials that are missing.
"""

import contextlib
import functools
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from rich.console import Console

from raygroup.config import Pretraining
from raygroup.errors import ConfigError, OverBudgetError, StopRequestedError
from raygroup.files.places import Place
from raygroup.files.retry import PeriodicWarning, Retry
from raygroup.runtime.local import run_packs
from raygroup.runtime.pack_queue import lost_start_text
from raygroup.runtime.placement import Placement, require_device, require_device_memory, require_kernels, require_workers
from raygroup.runtime.planning.clusters.cluster_file import read_cluster_file
from raygroup.runtime.planning.forecast import Forecast, forecast, over_budget_reason
from raygroup.runtime.planning.jobs import Job, word_jobs
from raygroup.runtime.planning.mixtures import print_mixtures
from raygroup.runtime.planning.outlook import missing_text, outlook_text
from raygroup.runtime.planning.packs import JobPack, PackSource, make_packs
from raygroup.runtime.planning.plan import Plan, declare_sweep
from raygroup.runtime.planning.words_preview import plan_previews, print_previews, require_few_lost_words
from raygroup.runtime.preparation.extraction import local_shard_maker
from raygroup.runtime.preparation.prepare import prepare_features, prepare_words
from raygroup.runtime.preparation.reuse import find_finished_twins, reuse_text, reuse_trials
from raygroup.runtime.preparation.scene_tables import prepare_scenes
from raygroup.runtime.processes import WorkerPool, cores
from raygroup.runtime.progress import monitor_trials, progress_bars
from raygroup.runtime.worker_start import TRAINING
from raygroup.storage.layout import STOP_FILE, SWEEP_FILE
from raygroup.storage.locks import lock_folder, require_writable
from raygroup.storage.records import intact_record
from raygroup.storage.sweeps import is_done
from raygroup.terminal import print_warning, print_words
from raygroup.values import BAD_SHARE, SHARE, USD


@dataclass(frozen=True, kw_only=True)
class RunOptions:
    """Options of a run. None of them changes a result."""

    placement: Placement = Placement()
    local: bool = False
    """Train in processes of this machine, without Ray."""
    address: str | None = None
    """A running Ray cluster. None starts Ray on this machine."""
    cluster: Path | None = None
    """A cluster file with prices, for ``budget``."""
    calibrate: bool = False
    """Time a few steps here before the forecast."""
    budget: float | None = None
    """Most US dollars that the sweep may be forecast to cost."""
    yes: bool = False
    """Run it even if it is forecast to cost more."""
    reuse: bool = True
    """Use finished trials of other sweeps that are the same."""
    bad_share: float = BAD_SHARE
    """Largest share of the user's listed words that may be dropped."""

    def __post_init__(self) -> None:
        if self.budget is not None:
            USD.require("--budget", self.budget)
        SHARE.require("--bad-share", self.bad_share)


def train_missing(plan: Plan, options: RunOptions, screen: Console) -> dict[str, str]:
    """Train the trials that are not done yet, and those of earlier stages that they start from.

    Returns those that failed: id -> reason. Raises ConfigError for input that cannot be used,
    OverBudgetError before anything starts, ClusterLostError, StopRequestedError if a user stopped
    the sweep, and OSError if the storage path fails. The trained steps are kept in each case.
    """
    retry = storage_retry(plan, options)
    stages = retry(lambda: work_of_stages(plan, options))
    if not stages:
        _repair_declaration(plan)
        return {}
    training = [stage for stage in stages if stage.missing]
    if training:
        require_runnable(options)
        _require_settings_have_effect(plan, options)
    for stage in training:
        require_readable(stage.plan, stage.missing, options, screen)
    outlook = retry(lambda: run_outlook(plan, training, options)) if training else ""
    require_writable(plan.storage, retry)
    if training:
        require_ray(options)
    with contextlib.ExitStack() as locks:
        for stage in stages:
            locks.enter_context(lock_folder(stage.plan.folder, "sweep", retry=retry))
        for stage in stages:
            retry(functools.partial(declare_sweep, stage.plan))
        for stage in (stage for stage in stages if stage.twins):
            retry(functools.partial(reuse_trials, stage.plan, stage.twins))
            print_words(screen, reuse_text(stage.twins))
        failed = train(training, options, screen, outlook, retry) if training else {}
    if plan.missing and _is_stopped(stages):
        raise StopRequestedError("stopped on request")
    return failed


def storage_retry(plan: Plan, options: RunOptions) -> Retry:
    """Return what repeats the command's work on a storage path that fails, with a warning now and then."""
    return Retry(options.placement.storage_patience_s, PeriodicWarning(plan.storage, print_warning))


@dataclass(frozen=True)
class StageWork:
    """The work that is left in one stage of a run."""

    plan: Plan
    missing: tuple[Job, ...]
    """The trials to train."""
    twins: Mapping[str, Place] = field(default_factory=dict)
    """Finished trials of other sweeps for the rest: id -> folder."""


def work_of_stages(plan: Plan, options: RunOptions) -> list[StageWork]:
    """Return the stages with work, the first stage first.

    Of an earlier stage only those trials are trained that a missing trial of the next stage starts from.
    """
    work: list[StageWork] = []
    needed: set[Place] | None = None
    for stage in reversed(plan.stages):
        missing, twins = split_reusable(stage, options)
        if needed is not None:
            missing = tuple(job for job in missing if job.folder in needed)
        if missing or twins:
            work.insert(0, StageWork(stage, missing, twins))
        needed = {job.start for job in word_jobs(missing) if job.start is not None}
    return work


def split_reusable(plan: Plan, options: RunOptions) -> tuple[tuple[Job, ...], dict[str, Place]]:
    """Return the trials to train, and finished trials of other sweeps for the rest: id -> folder."""
    missing = plan.missing
    twins = find_finished_twins(plan, missing) if options.reuse and missing else {}
    return tuple(job for job in missing if job.id not in twins), twins


def forecast_sweep(plan: Plan, missing: Sequence[Job], options: RunOptions) -> tuple[list[JobPack], Forecast]:
    """Return the packs of the missing trials, and their forecast time and cost."""
    packs = make_packs(missing, options.placement)
    cluster = read_cluster_file(options.cluster) if options.cluster else None
    return packs, forecast(plan, packs, options.placement, cluster, options.calibrate)


def require_runnable(options: RunOptions) -> None:
    """Raise ConfigError if neither this machine nor its Ray could run the placement."""
    if options.address is None:
        require_device(options.placement.device)
    require_kernels(options.placement)
    require_workers(options.placement, options.local)
    require_device_memory(options.placement)


def _require_settings_have_effect(plan: Plan, options: RunOptions) -> None:
    """Raise ConfigError for a flag that says how trials that group words compute their heads, if there are none."""
    placement, is_stage1 = options.placement, isinstance(plan.sweep.trial, Pretraining)
    if plan.scenes is not None or is_stage1:
        trains = "a universal head" if is_stage1 else "on scenes"
        for flag, value, default in (("--kernels", placement.kernels, "auto"), ("--accumulate", placement.accumulate, 1)):
            if value != default:
                raise ConfigError(f"{flag} {value}: it is for trials that group words, and {plan.sweep.name} trains {trains}; leave it out")
    if is_stage1 and placement.workers != (1, 1):
        raise ConfigError(f"--workers {placement.workers[1]}: a trial of stage 1 trains in one process; leave it out")


def require_readable(plan: Plan, missing: Sequence[Job], options: RunOptions, screen: Console) -> None:
    """Raise ConfigError if too many of the user's words are lost. The table of words is printed first."""
    previews = plan_previews(plan, missing)
    try:
        require_few_lost_words(plan, previews, options.bad_share)
    except ConfigError:
        print_previews(previews, screen)
        raise


def _repair_declaration(plan: Plan) -> None:
    """Write the ``sweep.json`` of a finished sweep again if it is damaged or gone."""
    if not intact_record(plan.folder / SWEEP_FILE):
        print_warning(f"{plan.folder / SWEEP_FILE}: damaged or gone; written anew")
        declare_sweep(plan)


def require_ray(options: RunOptions) -> None:
    """Raise ConfigError or ClusterLostError if there is no Ray to train on."""
    if not options.local:
        from raygroup.runtime.on_ray.preflight import require_ray

        require_ray(options.address)


def run_outlook(plan: Plan, stages: Sequence[StageWork], options: RunOptions) -> str:
    """Return the first line of a run. Raises OverBudgetError if the forecast exceeds the budget."""
    missing = [job for stage in stages for job in stage.missing]
    try:
        outlook = forecast_sweep(plan, missing, options)[1]
    except ConfigError as error:
        if options.budget is not None or options.cluster is not None:
            raise
        return f"{missing_text(plan, missing)}; no forecast: {error}"
    if options.budget is not None:
        reason = over_budget_reason(outlook, options.budget)
        if reason and not options.yes:
            raise OverBudgetError(reason)
    return outlook_text(plan, missing, outlook, here=options.address is None and options.cluster is None)


def train(
    stages: Sequence[StageWork], options: RunOptions, screen: Console, outlook: str, retry: Retry, source: PackSource | None = None
) -> dict[str, str]:  # fmt: skip
    """Prepare the inputs of these stages and train them, or the packs of a source. Returns those that failed: id -> reason.

    Stage 1 comes first, because it makes the trunk. The others train together, each trial after its start.
    """
    print_words(screen, outlook)
    first = [stage for stage in stages if isinstance(stage.plan.sweep.trial, Pretraining)]
    later = [stage for stage in stages if stage not in first]
    if not first:
        return _train_together(later, options, screen, retry, source)
    failed = _train_together(first, options, screen, retry, source)
    stopped = retry(functools.partial(_is_stopped, stages))
    if stopped:
        return failed
    unfinished = {job.folder for stage in first for job in stage.missing if not retry(functools.partial(is_done, job.folder))}
    later, lost = split_lost(later, unfinished)
    failed |= {job.id: lost_start_text(job) for job in lost}
    return failed | (_train_together(later, options, screen, retry, source) if later else {})


def _is_stopped(stages: Iterable[StageWork]) -> bool:
    return any((stage.plan.folder / STOP_FILE).is_file() for stage in stages)


def split_lost(stages: Sequence[StageWork], unfinished: set[Place]) -> tuple[list[StageWork], list[Job]]:
    """Return the work without trials that start from an ``unfinished`` one, directly or through another, and these trials."""
    lost: list[Job] = []
    for stage in stages:
        without_start = [job for job in word_jobs(stage.missing) if job.start in unfinished]
        unfinished = unfinished | {job.folder for job in without_start}
        lost += without_start
    left = [replace(stage, missing=tuple(job for job in stage.missing if job not in lost)) for stage in stages]
    return [stage for stage in left if stage.missing], lost


def _train_together(
    stages: Sequence[StageWork], options: RunOptions, screen: Console, retry: Retry, source: PackSource | None
) -> dict[str, str]:  # fmt: skip
    """Train stages whose trials share their words and trunks."""
    plan, missing = stages[-1].plan, [job for stage in stages for job in stage.missing]
    with WorkerPool(cores(), preload=TRAINING) as workers:
        with progress_bars(screen, "preparing") as progress:
            prepare_words(plan, missing, progress, workers, retry, options.bad_share)
            prepare_scenes(plan.scenes, missing, retry)
            print_previews(plan_previews(plan, missing), screen)
            prepare_features(missing, local_shard_maker(workers), progress, retry)
        print_mixtures(missing, plan.words, screen)
        packs = make_packs(missing, options.placement) if source is None else []
        name = " and ".join(stage.plan.sweep.name for stage in stages)
        shown = [job for job in missing if not job.done]
        with monitor_trials(screen, _labelled_by_stage(shown) if len(stages) > 1 else shown, name) as monitor:
            if options.local:  # the processes that made the features have torch loaded and go on to train
                return run_packs(packs, plan.storage, monitor, workers, options.placement, source)
            from raygroup.runtime.on_ray.launcher import run_packs as run_on_ray

            workers.resize(0)
            return run_on_ray(packs, plan.storage, monitor, options.address, options.placement, source)


def _labelled_by_stage(jobs: Sequence[Job]) -> list[Job]:
    """Return jobs with the sweep in their labels, because a trial has the label of the trial that it goes on from."""
    return [replace(job, label=f"{job.folder.parent.name}: {job.label}") for job in jobs]
