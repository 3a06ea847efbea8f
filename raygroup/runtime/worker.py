"""Trains a pack of trials in this process, from their folders alone: resumes, records, checkpoints, reads, seals, marks each done."""

import contextlib
import time
import traceback
from collections.abc import Callable, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from raygroup.config import ConfigError
from raygroup.history.assignments import assignment, decisiveness, grouping
from raygroup.history.reader import read_history
from raygroup.history.writer import remove_attempts, seal
from raygroup.runtime.checkpoints import keep_last_checkpoint, save_checkpoint
from raygroup.runtime.ledger import DONE, FAILED, PROGRESS, held, is_done, now, read_if_there, write_json
from raygroup.runtime.packs import ON_CPU, Placement
from raygroup.runtime.readings import write_readings
from raygroup.runtime.session import Attempt, Failures, Report, Session, opened
from raygroup.training.evidence import NotFiniteError, evidence
from raygroup.training.memory import keep_freed_memory
from raygroup.training.pack import LOSSES

_FLUSH_EVERY = 10
"""Steps kept on the device before they are brought to the history: few enough to see progress, many enough to cost nothing."""
_ORPHANED_S = 30.0
_OWN_FAULTS = (NotFiniteError, OSError, ConfigError)
"""Errors whose message says enough: no traceback is kept."""


def run_pack(folders: Sequence[Path], storage: Path, placement: Placement = ON_CPU, report: Report = lambda scalars: None) -> Failures:
    """Trains the trials of these folders to their ends, from their last common checkpoint if they have one; why each failed that did.

    A failure (a loss that is not finite, a full disk) leaves FAILED.json and a readable history, and the other trials of the pack as
    they are; a trial that another process writes is left to it. One that failed
    before, in a process of this pack that was killed later, is not tried again.
    """
    torch.set_num_threads(1)
    if placement.device == "cpu":
        keep_freed_memory()
    torch.backends.cudnn.allow_tf32 = False  # convolutions on a GPU in single precision, as everywhere else
    failed: Failures = {}
    with contextlib.ExitStack() as locks:
        mine = []
        for folder in folders:
            try:
                locks.enter_context(held(folder, "trial", _ORPHANED_S))
            except ConfigError as held_elsewhere:
                failed[folder.name] = str(held_elsewhere)
            else:
                stopped = read_if_there(folder / FAILED)
                failed |= {folder.name: stopped["reason"]} if stopped else {}
                mine += [] if stopped or is_done(folder) else [folder]
        return failed | (_tried(mine, storage, placement, report) if mine else {})


def _tried(folders: Sequence[Path], storage: Path, placement: Placement, report: Report) -> Failures:
    """Whatever goes wrong concerns these trials alone: its reason is kept, the sweep goes on."""
    try:
        session = opened(folders, storage, placement, report)
    except Exception as error:
        return {folder.name: _failed(folder, error) for folder in folders}
    try:
        _train(session)
    except Exception as error:
        _drop(session, dict.fromkeys(range(len(session.attempts)), error))
    return session.failed


def _train(session: Session) -> None:
    try:
        while session.attempts and session.pack.step < session.steps:
            _advance(session)
    finally:
        _record(session)
        _guarded(session, lambda number, attempt: attempt.history.close())
    for number, attempt in enumerate(session.attempts):
        try:
            _finish(session, number, attempt)
        except Exception as error:
            session.failed[attempt.folder.name] = _failed(attempt.folder, error)
    session.attempts = []


def _finish(session: Session, number: int, attempt: Attempt) -> None:
    folder, pack = attempt.folder, session.pack
    write_readings(pack.trained(number), session.words, folder)
    seal(folder, session.steps)
    outcome = {
        "steps": pack.step, "attempts": attempt.number, "wall_s": time.monotonic() - session.started,
        "cpu_s": (time.process_time() - session.cpu_before) / len(session.attempts), "pack": len(session.attempts),
        "kernels": pack.kernels.name, "new_characters": pack.new_characters[number], "finished_at": now(),
    }  # fmt: skip
    write_json(folder / DONE, outcome)
    with contextlib.suppress(OSError):  # the trial is done whether or not this can be cleared away
        remove_attempts(folder)
        keep_last_checkpoint(folder)


def _advance(session: Session) -> None:
    session.waiting.append(session.pack.advance())
    step = session.pack.step
    checkpoint = step % session.pack.common.training.checkpoint_every == 0 or step == session.steps
    if checkpoint or len(session.waiting) == _FLUSH_EVERY:
        _record(session)
        _guarded(session, lambda number, attempt: _say(session, number, attempt, checkpoint))
        if checkpoint and session.attempts:
            losses = session.attempts[0].losses
            session.report({"step": step, **{f"loss/{name}": loss for name, loss in losses.items()}})


def _guarded(session: Session, work: Callable[[int, Attempt], None]) -> None:
    """Does something for every trial; those it fails for leave the pack."""
    faults: dict[int, Exception] = {}
    for number, attempt in enumerate(session.attempts):
        try:
            work(number, attempt)
        except _OWN_FAULTS as error:
            faults[number] = error
    if faults:
        _drop(session, faults)


def _drop(session: Session, faults: dict[int, Exception]) -> None:
    """Trials that failed leave the pack; the others go on where they stand."""
    for number, error in faults.items():
        attempt = session.attempts[number]
        with contextlib.suppress(OSError):
            attempt.history.close()
        session.failed[attempt.folder.name] = _failed(attempt.folder, error)
    session.attempts = [attempt for number, attempt in enumerate(session.attempts) if number not in faults]
    if session.attempts:
        session.pack = session.pack.without(list(faults))


def _record(session: Session) -> None:
    """The waiting steps into the histories, at the speed since the last ones."""
    rows, session.waiting = session.waiting, []
    if not rows or not session.attempts:
        return
    found = session.pack.evidence(rows)
    first = session.pack.step - len(rows) + 1
    now_s = time.monotonic()
    speed, session.recorded = session.pack.common.training.batch * len(rows) / (now_s - session.recorded), now_s
    _guarded(session, lambda number, attempt: _append(attempt, found[number], first, len(session.pack.material.tasks), speed))


def _append(attempt: Attempt, rows: NDArray[np.float32], first: int, tasks: int, speed: float) -> None:
    for step, r_tm, nll_m, losses in evidence(rows, first, tasks, attempt.trial.heads.count):
        integrated, grouping_loss, task = (losses[name] for name in LOSSES)
        attempt.history.append(step, r_tm, nll_m, integrated, grouping_loss, task, speed, time.time())
        attempt.losses = losses


def _say(session: Session, number: int, attempt: Attempt, checkpoint: bool) -> None:
    """Progress of a trial, and its checkpoint when it is time."""
    pack, step = session.pack, session.pack.step
    r_tm = pack.r_ktm.detach()[number, :, : attempt.trial.heads.count].cpu().numpy()
    _show(session, attempt, r_tm)
    if checkpoint:
        attempt.history.flush()
        about = {"charset": pack.material.charset.to_json(), "tasks": pack.material.tasks, "kernels": pack.kernels.name}
        save_checkpoint(attempt.folder, step, pack.state(number), about)
        _board(attempt, step, r_tm, pack.material.tasks)


def _show(session: Session, attempt: Attempt, r_tm: NDArray[np.float32]) -> None:
    """What the driver's progress line tells; written beside the trial, so that any machine that sees the storage can follow."""
    done, steps = session.pack.step, session.steps
    per_step = (time.monotonic() - session.started) / max(done - session.first_step, 1)
    said = {
        "step": done, "steps": steps, "words_per_s": session.pack.common.training.batch / per_step,
        "left_s": (steps - done) * per_step, "losses": attempt.losses, "decisiveness": decisiveness(r_tm),
        "grouping": str(grouping(session.pack.material.tasks, r_tm.shape[1], assignment(r_tm[None])[0])),
    }  # fmt: skip
    write_json(attempt.folder / PROGRESS, said, safe=False)


def _board(attempt: Attempt, step: int, r_tm: NDArray[np.float32], tasks: Sequence[str]) -> None:
    """TensorBoard scalars; an attempt that goes on from a checkpoint hides the steps it repeats."""
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(attempt.folder / "tensorboard"), purge_step=step) as writer:
        for name, loss in attempt.losses.items():
            writer.add_scalar(f"loss/{name}", loss, step)
        writer.add_scalar("decisiveness", decisiveness(r_tm), step)
        for task, head in zip(tasks, r_tm.argmax(-1), strict=True):
            writer.add_scalar(f"head/{task}", int(head), step)


def _failed(folder: Path, error: Exception) -> str:
    """Says on disk why, and after which step; on a full disk only the return value, the reason, tells the driver."""
    reason = str(error)
    if not isinstance(error, _OWN_FAULTS):
        trace = folder / "error.txt"
        with contextlib.suppress(OSError):
            trace.write_text("".join(traceback.format_exception(error)))
        reason = f"{type(error).__name__}: {error} (its traceback: {trace})"
    with contextlib.suppress(OSError):
        try:
            steps = read_history(folder).step
        except ConfigError:
            steps = np.zeros(0, np.int32)
        write_json(folder / FAILED, {"reason": reason, "step": int(steps[-1]) if len(steps) else 0, "at": now()})
    return reason
