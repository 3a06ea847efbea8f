"""Train a pack of trials in this process. Its input is the folders of the trials."""

import contextlib
import functools
import time
from collections.abc import Callable, Sequence

import torch

from raygroup.errors import ConfigError, DeviceMemoryError, LeaseLostError, NodeDrainedError, StopRequestedError
from raygroup.files.places import Place
from raygroup.files.retry import PeriodicWarning, Retry
from raygroup.runtime.attempt.failure import TRIAL_ERRORS, note_failure, read_failure
from raygroup.runtime.attempt.interruption import DrainReason, Interruption
from raygroup.runtime.attempt.recording import finish_trial, record_steps, write_checkpoint, write_progress
from raygroup.runtime.attempt.resume import open_session
from raygroup.runtime.attempt.session import Failures, ReportScalars, Session, WorkerContext
from raygroup.runtime.attempt.watchdog import Watchdog
from raygroup.runtime.attempt.worker_group import SINGLE_WORKER, WorkerGroup
from raygroup.runtime.placement import ON_CPU, Placement
from raygroup.storage.layout import stacks_file
from raygroup.storage.leases import Lease, take_lease
from raygroup.storage.sweeps import is_done
from raygroup.terminal import print_warning
from raygroup.training.allocator import keep_freed_memory

_RECORD_EVERY = 10
"""Number of steps after which their records move from the device to the history.

It is small enough to show progress, and large enough to cost nothing.
"""


def run_pack(
    folders: Sequence[Place], storage: Place, placement: Placement = ON_CPU, report: ReportScalars = lambda scalars: None,
    drain_reason: DrainReason = lambda: None, group: WorkerGroup = SINGLE_WORKER,
) -> Failures:  # fmt: skip
    """Train the trials of these folders to the end.

    Returns the reasons of those that failed. They resume from their newest common checkpoint. A
    failure (a loss that is not finite, a disk that stays full) leaves FAILED.json and a readable
    history, and the other trials continue. A trial that failed in an earlier, killed process of
    this pack is not tried again. Raises NodeDrainedError if ``drain_reason`` returns a reason,
    LeaseLostError if another process has taken over every trial, and DeviceMemoryError if the
    device has too little memory. After a user's request to stop it returns, with trials that are
    neither done nor failed. So it does if another process has taken over some of the trials.
    """
    torch.set_num_threads(1)
    if placement.device == "cpu":
        keep_freed_memory()
    torch.backends.cudnn.allow_tf32 = False  # convolutions on a GPU in single precision, as everywhere else
    failed: Failures = {}
    stacks = stacks_file(time.time(), group.worker.rank)
    watchdog = Watchdog(placement.stall_timeout_s, [folder / stacks for folder in folders])
    retry = Retry(placement.storage_patience_s, _on_wait(storage, watchdog))
    with watchdog.watching():
        leases, failed = group.broadcast((_take_leases(folders, failed, retry), failed) if group.is_leader else None)
        if leases:
            context = WorkerContext(storage, placement, retry, group, report)
            interruption = Interruption(folders[0].parent, drain_reason)
            try:
                _train_pack(leases, context, interruption, watchdog, failed)
            except RuntimeError as error:
                if not lacks_device_memory(error):
                    raise
                raise DeviceMemoryError(" ".join(str(error).split())) from error
    return failed


def _on_wait(storage: Place, watchdog: Watchdog) -> Callable[[OSError], None]:
    """Return a function that warns of storage that fails. Waiting for storage counts as progress."""
    warn = PeriodicWarning(storage, print_warning)

    def on_wait(error: OSError) -> None:
        watchdog.heartbeat()
        warn(error)

    return on_wait


def _take_leases(folders: Sequence[Place], failed: Failures, retry: Retry) -> list[Lease]:
    """Return the leases of trials that remain to be trained.

    Trials that have failed are added to ``failed``.
    """
    leases = []
    for folder in folders:
        try:
            lease = retry(functools.partial(_take_lease_or_reason, folder))
        except (ConfigError, OSError) as error:
            failed[folder.name] = str(error)
            continue
        if isinstance(lease, str):
            failed[folder.name] = lease
        elif lease:
            leases.append(lease)
    return leases


def _take_lease_or_reason(folder: Place) -> Lease | str | None:
    """Return a trial's lease, or why there is none.

    That is the reason if the trial has failed, or None if it is done.
    """
    if reason := read_failure(folder):
        return reason
    return None if is_done(folder) else take_lease(folder)


def _train_pack(leases: Sequence[Lease], context: WorkerContext, interruption: Interruption, watchdog: Watchdog, failed: Failures) -> None:
    """Train the trials, and mark them as failed if they are at fault.

    Errors of the machine, the device or another worker are raised, because another attempt may
    succeed.
    """

    try:
        session = open_session(leases, context, functools.partial(note_failure, failed))
        if session is not None:
            session.failed = failed
            _train_session(session, interruption, watchdog)
    except StopRequestedError:
        return
    except Exception as error:
        if context.group.worker.world > 1 or isinstance(error, NodeDrainedError | LeaseLostError) or is_device_error(error):
            raise
        unfinished = {lease.folder for lease in leases if lease.folder.name not in failed and not is_done(lease.folder)}
        for folder in unfinished:
            note_failure(failed, folder, error)


def is_device_error(error: Exception) -> bool:
    """Return True if a GPU failed.

    Its process may be broken, and a smaller pack may fit into its memory. Messages of cuDNN do not
    contain "CUDA".
    """
    return lacks_device_memory(error) or "CUDA" in str(error) or "CUDNN_STATUS" in str(error)


def lacks_device_memory(error: Exception) -> bool:
    """Return True if a GPU has too little memory.

    torch raises an error class of its own only for its allocator. CUDA itself, cuBLAS and cuDNN
    report the lack of memory in their messages.
    """
    signs = ("CUDA error: out of memory", "CUBLAS_STATUS_ALLOC_FAILED", "CUDNN_STATUS_ALLOC_FAILED")
    return isinstance(error, torch.OutOfMemoryError) or any(sign in str(error) for sign in signs)


def _train_session(session: Session, interruption: Interruption, watchdog: Watchdog) -> None:
    try:
        while session.attempts and session.program.step < session.program.steps:
            train_step(session, interruption)
            watchdog.heartbeat()
    except BaseException:
        for attempt in session.attempts:
            with contextlib.suppress(Exception):  # the error that ended training is the one to report
                attempt.close()
        raise
    session.for_each_trial(lambda position, attempt: attempt.close())
    if not session.context.group.is_leader:
        return
    for position, attempt in enumerate(session.attempts):
        watchdog.heartbeat()
        try:
            finish_trial(session, position, attempt)
        except LeaseLostError:
            raise
        except TRIAL_ERRORS as error:
            note_failure(session.failed, attempt.folder, error)


def train_step(session: Session, interruption: Interruption) -> None:
    """Train one step.

    Every few steps it records them, and at checkpoints it writes the state of every trial. After a
    checkpoint it raises the error of an interruption.
    """
    program, group = session.program, session.context.group
    session.unrecorded.append(program.advance())
    step = program.step
    checkpoint_due = step % program.checkpoint_every == 0 or step == program.steps
    if not checkpoint_due and len(session.unrecorded) < _RECORD_EVERY:
        return
    record_steps(session)
    # One worker may be interrupted alone, for example if its node is drained. All of them end together.
    interrupted = group.first(interruption.reason())
    if checkpoint_due or interrupted:
        session.for_each_trial(lambda position, attempt: write_checkpoint(session, position, attempt))
    if group.is_leader:
        for position, attempt in enumerate(session.attempts):
            write_progress(session, position, attempt, checkpoint_due)
        if checkpoint_due and session.attempts:
            losses = session.attempts[0].losses
            session.context.report({"step": step, **{f"loss/{name}": loss for name, loss in losses.items()}})
    if interrupted:
        raise interrupted
