"""Trains a pack of trials in this process, from their folders alone: resumes, records, checkpoints, reads, seals, marks each done."""

import contextlib
import functools
import sys
import time
from collections.abc import Callable, Sequence

import torch

from raygroup.errors import ConfigError, LeaseLostError, NodeDrainedError, StopRequestedError
from raygroup.files.atomic import read_if_there
from raygroup.files.places import Place
from raygroup.files.retry import Patience
from raygroup.runtime.attempt.failure import OWN_FAULTS, fail
from raygroup.runtime.attempt.interruption import Ending, Notice
from raygroup.runtime.attempt.recording import checkpoint, finish, record, show
from raygroup.runtime.attempt.session import Attempt, Failures, Report, Session, Work, opened
from raygroup.runtime.attempt.watchdog import Vigil
from raygroup.runtime.attempt.worker_group import ONE, Team
from raygroup.runtime.planning.packs import ON_CPU, Placement
from raygroup.storage.leases import Lease, take
from raygroup.storage.locks import FAILED, is_done
from raygroup.training.allocator import keep_freed_memory

_FLUSH_EVERY = 10
"""Steps kept on the device before they are brought to the history: few enough to see progress, many enough to cost nothing."""
_SAID_EVERY_S = 60.0


def run_pack(
    folders: Sequence[Place], storage: Place, placement: Placement = ON_CPU, report: Report = lambda scalars: None,
    notice: Notice = lambda: None, team: Team = ONE,
) -> Failures:  # fmt: skip
    """Trains the trials of these folders to their ends, from their last common checkpoint if they have one; why each failed that did.

    A failure (a loss that is not finite, a disk that stays full) leaves FAILED.json and a readable history, and the other trials of the
    pack as they are. One that failed before, in a process of this pack that was killed later, is not tried again. Raises NodeDrainedError
    where ``notice`` says that the machine goes, LeaseLostError where another process has taken every trial over; a stop on request
    returns, with trials that are neither done nor failed.
    """
    torch.set_num_threads(1)
    if placement.device == "cpu":
        keep_freed_memory()
    torch.backends.cudnn.allow_tf32 = False  # convolutions on a GPU in single precision, as everywhere else
    failed: Failures = {}
    dump = f"stalled-{time.time():.0f}-{team.shard.rank}.txt"
    vigil = Vigil(placement.stall_timeout_s, [folder / dump for folder in folders])
    patience = Patience(placement.storage_patience_s, _Waiting(storage, vigil))
    with vigil.kept():
        leases, failed = team.told((_taken(folders, failed, patience), failed) if team.leads else None)
        if leases:
            work = Work(storage, placement, patience, team, report)
            _tried(leases, work, Ending(folders[0].parent, notice), vigil, failed)
    return failed


class _Waiting:
    """Says on standard error that storage fails, once a minute; waiting for it is no standing still."""

    def __init__(self, storage: Place, vigil: Vigil) -> None:
        self.storage, self.vigil, self.said = storage, vigil, -_SAID_EVERY_S

    def __call__(self, error: OSError) -> None:
        self.vigil.alive()
        if time.monotonic() - self.said >= _SAID_EVERY_S:
            self.said = time.monotonic()
            print(f"raygroup: {self.storage} fails ({error}); trying again until it comes back", file=sys.stderr, flush=True)


def _taken(folders: Sequence[Place], failed: Failures, patience: Patience) -> list[Lease]:
    """Leases of the trials that are still to be trained."""
    leases = []
    for folder in folders:
        try:
            taken = patience(functools.partial(_unless_over, folder))
        except (ConfigError, OSError) as error:
            failed[folder.name] = str(error)
            continue
        if isinstance(taken, str):
            failed[folder.name] = taken
        elif taken:
            leases.append(taken)
    return leases


def _unless_over(folder: Place) -> Lease | str | None:
    """The lease of a trial; why it failed, if it did; None where it is done."""
    stopped = read_if_there(folder / FAILED)
    if stopped:
        return str(stopped["reason"])
    return None if is_done(folder) else take(folder)


def _tried(leases: Sequence[Lease], work: Work, ending: Ending, vigil: Vigil, failed: Failures) -> None:
    """Whatever goes wrong with these trials concerns them alone: its reason is kept, the sweep goes on. What goes wrong with the machine,
    a device or another worker of the team is raised: another attempt may do better."""

    def broken(folder: Place, error: Exception) -> None:
        failed[folder.name] = fail(folder, error)

    try:
        session = opened(leases, work, broken)
        if session is not None:
            session.failed = failed
            _train(session, ending, vigil)
    except StopRequestedError:
        return
    except Exception as error:
        if work.team.shard.world > 1 or isinstance(error, NodeDrainedError | LeaseLostError) or _of_device(error):
            raise
        left = {lease.folder for lease in leases if lease.folder.name not in failed and not is_done(lease.folder)}
        failed |= {folder.name: fail(folder, error) for folder in left}


def _of_device(error: Exception) -> bool:
    """Whether a GPU failed: its process may be of no use from now on, and what it had too little memory for may fit in parts."""
    return isinstance(error, torch.OutOfMemoryError) or "CUDA" in str(error)


def _train(session: Session, ending: Ending, vigil: Vigil) -> None:
    try:
        while session.attempts and session.pack.step < session.steps:
            _advance(session, ending)
            vigil.alive()
    except BaseException:
        for attempt in session.attempts:  # the error that ends the attempt is the one to be told
            with contextlib.suppress(Exception):
                attempt.close()
        raise
    _guarded(session, lambda number, attempt: attempt.close())
    for number, attempt in enumerate(session.attempts if session.work.team.leads else []):
        vigil.alive()
        try:
            finish(session, number, attempt)
        except OWN_FAULTS as error:
            if isinstance(error, LeaseLostError):
                raise
            session.failed[attempt.folder.name] = fail(attempt.folder, error)


def _advance(session: Session, ending: Ending) -> None:
    session.waiting.append(session.pack.advance())
    step, team = session.pack.step, session.work.team
    due = step % session.pack.common.training.checkpoint_every == 0 or step == session.steps
    if not due and len(session.waiting) < _FLUSH_EVERY:
        return
    found, session.waiting = session.waiting, []
    record(session, found, _guarded)
    going = team.first_of(ending.reason())
    if due or going:
        _guarded(session, lambda number, attempt: checkpoint(session, number, attempt))
    if team.leads:
        for number, attempt in enumerate(session.attempts):
            show(session, number, attempt, due)
        if due and session.attempts:
            losses = session.attempts[0].losses
            session.work.report({"step": step, **{f"loss/{name}": loss for name, loss in losses.items()}})
    if going:
        raise going


def _guarded(session: Session, work: Callable[[int, Attempt], None]) -> None:
    """The leader does something for every trial; those it fails for leave the pack, on every worker."""
    faults: dict[int, Exception] = {}
    for number, attempt in enumerate(session.attempts if session.work.team.leads else []):
        try:
            work(number, attempt)
        except OWN_FAULTS as error:
            faults[number] = error
    faults = session.work.team.told(faults)
    if faults:
        _drop(session, faults)


def _drop(session: Session, faults: dict[int, Exception]) -> None:
    """Trials that failed leave the pack; the others go on where they stand. One that was taken over is not ours to fail."""
    for number, error in faults.items():
        attempt = session.attempts[number]
        with contextlib.suppress(OSError):
            attempt.close()
        if session.work.team.leads and not isinstance(error, LeaseLostError):
            session.failed[attempt.folder.name] = fail(attempt.folder, error)
    lost = next((error for error in faults.values() if isinstance(error, LeaseLostError)), None)
    session.attempts = [attempt for number, attempt in enumerate(session.attempts) if number not in faults]
    if session.attempts:
        session.pack = session.pack.without(list(faults))
    elif lost:
        raise lost
