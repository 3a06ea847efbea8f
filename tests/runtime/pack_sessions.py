"""Declare the trials of a tiny sweep, and train them as one pack in this process."""

from pathlib import Path

from tiny_sweep import space

from raygroup.files.places import Place
from raygroup.files.retry import NO_RETRY
from raygroup.runtime.attempt import worker
from raygroup.runtime.attempt.interruption import Interruption
from raygroup.runtime.attempt.resume import open_session
from raygroup.runtime.attempt.session import Session, WorkerContext
from raygroup.runtime.placement import ON_CPU, Placement
from raygroup.runtime.planning.jobs import declare_trials
from raygroup.runtime.planning.plan import Plan, declare_sweep, load_plan
from raygroup.storage.leases import take_lease


def declare_plan(storage: Place, folder: Path, **settings: object) -> Plan:
    """Plan a tiny sweep and declare all of its trials.

    Its search space goes into ``folder``. ``settings`` are those of ``tiny_sweep.space``.
    """
    plan = load_plan(space(folder, **settings), storage)
    declare_sweep(plan)
    declare_trials(plan.jobs, storage)
    return plan


def folders(plan: Plan) -> list[Place]:
    return [job.folder for job in plan.jobs]


def open_pack(plan: Plan, storage: Place, placement: Placement = ON_CPU) -> Session:
    """Open a session for all trials of a plan. Raises the error of a trial that cannot be trained."""

    def raise_error(folder: Place, error: Exception) -> None:
        raise error

    session = open_session([take_lease(folder) for folder in folders(plan)], WorkerContext(storage, placement, NO_RETRY), raise_error)
    assert session
    return session


def train_steps(session: Session, plan: Plan, steps: int) -> None:
    for _ in range(steps):
        worker.train_step(session, Interruption(plan.folder))


def close(*sessions: Session) -> None:
    for session in sessions:
        for attempt in session.attempts:
            attempt.close()


def train_and_stop(plan: Plan, storage: Place, steps: int, placement: Placement = ON_CPU) -> None:
    """Train the plan's trials as one pack for some steps, and stop as a killed process would."""
    session = open_pack(plan, storage, placement)
    train_steps(session, plan, steps)
    close(session)
