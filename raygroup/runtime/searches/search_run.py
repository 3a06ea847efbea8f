"""Run a search of head sizes: prepare its words once, train its points, and go on where an earlier run ended."""

from collections.abc import Sequence
from dataclasses import replace

from rich.console import Console

from raygroup.errors import StopRequestedError
from raygroup.runtime.planning.jobs import Job
from raygroup.runtime.planning.plan import Plan, write_declaration
from raygroup.runtime.searches.journal import StudyPoint, require_local_file
from raygroup.runtime.searches.point_source import PointSource
from raygroup.runtime.searches.search_plan import (
    drawn_jobs,
    journal_path,
    num_complete,
    plan_with_points,
    search_of,
    search_record,
    stored_points,
)
from raygroup.runtime.sweep_run import (
    RunOptions,
    StageWork,
    require_ray,
    require_readable,
    require_runnable,
    run_outlook,
    storage_retry,
    train,
)
from raygroup.storage.layout import STOP_FILE, SWEEP_FILE
from raygroup.storage.locks import lock_folder, require_writable
from raygroup.storage.records import intact_record
from raygroup.terminal import print_warning


def train_search(plan: Plan, options: RunOptions, screen: Console) -> dict[str, str]:
    """Train the points of a search that are not finished. Returns the trials that failed: id -> reason.

    Raises the errors of ``train_missing``, and ConfigError without Optuna or for the journal of another search.
    """
    require_local_file(journal_path(plan))
    points = stored_points(plan)
    known = plan_with_points(plan, points)
    if is_finished(known, points):
        _repair_declaration(known, points)
        return {}
    require_runnable(options)
    require_readable(plan, plan.jobs, options, screen)
    retry = storage_retry(plan, options)
    to_train = StageWork(forecast_plan(plan, points), missing_jobs(plan, points))
    outlook = retry(lambda: run_outlook(to_train.plan, [to_train], options))
    require_writable(plan.storage, retry)
    require_ray(options)
    with lock_folder(plan.folder, "sweep", retry=retry):
        (plan.folder / STOP_FILE).unlink(missing_ok=True)
        started = StageWork(plan, known.missing or plan.jobs[:1])
        failed = train([started], options, screen, outlook, retry, PointSource(plan, options.placement))
    if (plan.folder / STOP_FILE).is_file() and not is_finished(reread_plan(plan), stored_points(plan)):
        raise StopRequestedError("stopped on request")
    return failed


def _repair_declaration(known: Plan, points: Sequence[StudyPoint]) -> None:
    """Write the ``sweep.json`` of a finished search again if it is damaged or gone."""
    if not intact_record(known.folder / SWEEP_FILE):
        print_warning(f"{known.folder / SWEEP_FILE}: damaged or gone; written anew")
        write_declaration(known, search_record(known, points))


def is_finished(known: Plan, points: Sequence[StudyPoint]) -> bool:
    """Return True if the search has all its points, and the front its fresh seeds. ``known`` is the plan with the points."""
    return num_complete(points) >= search_of(known).num_points and not known.missing


def reread_plan(plan: Plan) -> Plan:
    """Return the plan with the trials of all points in the journal."""
    return plan_with_points(plan, stored_points(plan))


def forecast_plan(plan: Plan, points: Sequence[StudyPoint]) -> Plan:
    """Return the plan with drawn trials in place of the points that are still to be asked."""
    known = plan_with_points(plan, points)
    return replace(known, jobs=(*known.jobs, *drawn_jobs(plan, points)))


def missing_jobs(plan: Plan, points: Sequence[StudyPoint]) -> tuple[Job, ...]:
    """Return the trials to train, with drawn ones for the points that are still to be asked."""
    return forecast_plan(plan, points).missing
