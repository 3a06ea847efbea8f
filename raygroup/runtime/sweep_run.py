"""Run a planned sweep.

The run checks the sweep, prepares words and features, and trains the trials that are missing.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from rich.console import Console

from raygroup.errors import OverBudgetError, StopRequestedError
from raygroup.files.retry import PeriodicWarning, Retry
from raygroup.runtime.local import run_packs
from raygroup.runtime.placement import Placement, require_device, require_device_memory, require_kernels, require_workers
from raygroup.runtime.planning.cluster_file import read_cluster_file
from raygroup.runtime.planning.forecast import Forecast, forecast, over_budget_reason
from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.planning.mixtures import print_mixtures
from raygroup.runtime.planning.packs import JobPack, make_packs
from raygroup.runtime.planning.plan import Plan, declare_sweep
from raygroup.runtime.preparation.prepare import prepare
from raygroup.runtime.progress import monitor_trials, progress_bars
from raygroup.storage.layout import STOP_FILE, SWEEP_FILE
from raygroup.storage.locks import lock_folder, require_writable
from raygroup.storage.records import intact_record
from raygroup.terminal import print_warning


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


def train_missing(plan: Plan, options: RunOptions, screen: Console) -> dict[str, str]:
    """Train the trials that are not done yet.

    Returns those that failed: id -> reason. Raises ConfigError for input that cannot be used,
    OverBudgetError before anything starts, ClusterLostError, StopRequestedError if a user stopped
    the sweep, and OSError if the storage path fails. The trained steps are kept in each case.
    """
    missing = plan.missing
    if not missing:
        _repair_declaration(plan)
        return {}
    _require_runnable(options)
    if options.budget is not None:
        reason = over_budget_reason(forecast_sweep(plan, missing, options)[1], options.budget)
        if reason and not options.yes:
            raise OverBudgetError(reason)
    retry = Retry(options.placement.storage_patience_s, PeriodicWarning(plan.storage, print_warning))
    require_writable(plan.storage, retry)
    with lock_folder(plan.folder, "sweep", retry=retry):
        failed = _train(plan, missing, options, screen, retry)
    if plan.missing and (plan.folder / STOP_FILE).is_file():
        raise StopRequestedError("stopped on request")
    return failed


def forecast_sweep(plan: Plan, missing: Sequence[Job], options: RunOptions) -> tuple[list[JobPack], Forecast]:
    """Return the packs of the missing trials, and their forecast time and cost."""
    packs = make_packs(missing, options.placement)
    cluster = read_cluster_file(options.cluster) if options.cluster else None
    return packs, forecast(plan, packs, options.placement, cluster, options.calibrate)


def _require_runnable(options: RunOptions) -> None:
    """Raise ConfigError if neither this machine nor its Ray could run the placement."""
    if options.address is None:
        require_device(options.placement.device)
    require_kernels(options.placement)
    require_workers(options.placement, options.local)
    require_device_memory(options.placement)


def _repair_declaration(plan: Plan) -> None:
    """Write the ``sweep.json`` of a finished sweep again if it is damaged or gone."""
    if not intact_record(plan.folder / SWEEP_FILE):
        print_warning(f"{plan.folder / SWEEP_FILE}: damaged or gone; written anew")
        declare_sweep(plan)


def _train(plan: Plan, missing: Sequence[Job], options: RunOptions, screen: Console, retry: Retry) -> dict[str, str]:
    retry(lambda: declare_sweep(plan))
    trains_here = options.local and options.placement.device == "cpu" and len(missing) == 1
    with progress_bars(screen) as progress:
        prepare(plan, missing, progress, trains_here, retry)
    print_mixtures(missing, plan.words, screen)
    packs = make_packs(missing, options.placement)
    with monitor_trials(screen, missing, plan.sweep.name) as monitor:
        if options.local:
            return run_packs(packs, plan.storage, monitor, options.placement)
        from raygroup.runtime.on_ray.launcher import run_packs as run_on_ray

        return run_on_ray(packs, plan.storage, monitor, options.address, options.placement)
