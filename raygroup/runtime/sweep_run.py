"""Run a planned sweep.

The run checks the sweep, prepares words and features, and trains the trials that are missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from raygroup.errors import ConfigError, OverBudgetError, StopRequestedError
from raygroup.files.places import Place
from raygroup.files.retry import PeriodicWarning, Retry
from raygroup.runtime.local import run_packs
from raygroup.runtime.placement import Placement, require_device, require_device_memory, require_kernels, require_workers
from raygroup.runtime.planning.cluster_file import read_cluster_file
from raygroup.runtime.planning.forecast import Forecast, forecast, over_budget_reason
from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.planning.mixtures import print_mixtures
from raygroup.runtime.planning.outlook import outlook_text
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
    """Train the trials that are not done yet.

    Returns those that failed: id -> reason. Raises ConfigError for input that cannot be used,
    OverBudgetError before anything starts, ClusterLostError, StopRequestedError if a user stopped
    the sweep, and OSError if the storage path fails. The trained steps are kept in each case.
    """
    retry = storage_retry(plan, options)
    missing, twins = retry(lambda: split_reusable(plan, options))
    if not missing and not twins:
        _repair_declaration(plan)
        return {}
    if missing:
        require_runnable(options)
        _require_settings_have_effect(plan, options)
        require_readable(plan, missing, options, screen)
    outlook = retry(lambda: run_outlook(plan, missing, options)) if missing else ""
    require_writable(plan.storage, retry)
    if missing:
        require_ray(options)
    with lock_folder(plan.folder, "sweep", retry=retry):
        retry(lambda: declare_sweep(plan))
        if twins:
            retry(lambda: reuse_trials(plan, twins))
            print_words(screen, reuse_text(twins))
        failed = train(plan, missing, options, screen, outlook, retry) if missing else {}
    if plan.missing and (plan.folder / STOP_FILE).is_file():
        raise StopRequestedError("stopped on request")
    return failed


def storage_retry(plan: Plan, options: RunOptions) -> Retry:
    """Return what repeats the command's work on a storage path that fails, with a warning now and then."""
    return Retry(options.placement.storage_patience_s, PeriodicWarning(plan.storage, print_warning))


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
    """Raise ConfigError for a flag that says how trials on words compute their heads, if the trials are on scenes."""
    placement = options.placement
    if plan.scenes is not None:
        for flag, value, default in (("--kernels", placement.kernels, "auto"), ("--accumulate", placement.accumulate, 1)):
            if value != default:
                raise ConfigError(f"{flag} {value}: it is for trials on words, and {plan.sweep.name} trains on scenes; leave it out")


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


def run_outlook(plan: Plan, missing: Sequence[Job], options: RunOptions) -> str:
    """Return the first line of a run. Raises OverBudgetError if the forecast exceeds the budget."""
    try:
        outlook = forecast_sweep(plan, missing, options)[1]
    except ConfigError as error:
        if options.budget is not None or options.cluster is not None:
            raise
        return f"{plan.sweep.name}: {len(missing)} of {len(plan.jobs)} trials to train; no forecast: {error}"
    if options.budget is not None:
        reason = over_budget_reason(outlook, options.budget)
        if reason and not options.yes:
            raise OverBudgetError(reason)
    return outlook_text(plan, missing, outlook, here=options.address is None and options.cluster is None)


def train(
    plan: Plan, missing: Sequence[Job], options: RunOptions, screen: Console, outlook: str, retry: Retry, source: PackSource | None = None
) -> dict[str, str]:  # fmt: skip
    """Prepare the inputs of these jobs and train them, or the packs of a source. Returns those that failed: id -> reason."""
    print_words(screen, outlook)
    with WorkerPool(cores(), preload=TRAINING) as workers:
        with progress_bars(screen, "preparing") as progress:
            prepare_words(plan, missing, progress, workers, retry, options.bad_share)
            prepare_scenes(plan.scenes, missing, retry)
            print_previews(plan_previews(plan, missing), screen)
            prepare_features(missing, local_shard_maker(workers), progress, retry)
        print_mixtures(missing, plan.words, screen)
        packs = make_packs(missing, options.placement) if source is None else []
        with monitor_trials(screen, [job for job in missing if not job.done], plan.sweep.name) as monitor:
            if options.local:  # the processes that made the features have torch loaded and go on to train
                return run_packs(packs, plan.storage, monitor, workers, options.placement, source)
            from raygroup.runtime.on_ray.launcher import run_packs as run_on_ray

            workers.resize(0)
            return run_on_ray(packs, plan.storage, monitor, options.address, options.placement, source)
