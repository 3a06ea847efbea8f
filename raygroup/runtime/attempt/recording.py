"""Write the files of a trial: history, checkpoints, progress, scalars and final results."""

import contextlib
import time
from collections.abc import Iterator

from raygroup.files.atomic import write_json
from raygroup.history.writer import remove_attempts, seal
from raygroup.runtime.attempt.checkpoints import save_checkpoint
from raygroup.runtime.attempt.program import StepRow
from raygroup.runtime.attempt.scalars import SCALARS_EVERY, scalar_point, write_scalars
from raygroup.runtime.attempt.session import Session, TrialAttempt
from raygroup.storage.checkpoint_index import keep_last_checkpoint
from raygroup.storage.layout import DONE_FILE, PROGRESS_FILE, now

_PROGRESS_EVERY_S = 2.0


def record_steps(session: Session) -> None:
    """Append the records of the last steps to the histories.

    Every worker must call this.
    """
    program, records = session.program, session.unrecorded
    session.unrecorded = []
    rows = program.split_records(records)
    first_step = program.step - len(records) + 1
    now_s = time.monotonic()
    speed = program.batch * len(records) / (now_s - session.last_record_s)
    session.last_record_s = now_s
    session.for_each_trial(lambda number, attempt: _append_rows(attempt, program.step_rows(number, rows[number], first_step), speed))


def write_checkpoint(session: Session, position: int, attempt: TrialAttempt) -> None:
    """Flush the history, then write the checkpoint from which a later attempt resumes."""
    program, retry = session.program, session.context.retry
    attempt.writer.flush()
    facts = program.checkpoint_facts()
    state = program.state(position)

    def save() -> None:
        with attempt.lease.guard():
            save_checkpoint(attempt.folder, program.step, state, facts, attempt.lease.attempt, attempt.checksums())

    retry(save)
    retry(lambda: write_scalars(attempt.folder, attempt.lease.attempt, attempt.scalars))
    attempt.scalars.clear()


def write_progress(session: Session, position: int, attempt: TrialAttempt, checkpoint_due: bool) -> None:
    """Write the progress file of a trial, for those who follow the sweep.

    It is written at checkpoints, and in between at most every two seconds, because training waits
    for each write to an object store.
    """
    if not checkpoint_due and time.monotonic() - attempt.progress_written_s < _PROGRESS_EVERY_S:
        return
    attempt.progress_written_s = time.monotonic()
    program = session.program
    step, steps = program.step, program.steps
    step_s = (time.monotonic() - session.start_s) / max(step - session.resumed_step, 1)
    progress = {
        "step": step, "steps": steps, program.speed_name: program.batch / step_s, "left_s": (steps - step) * step_s,
        "losses": attempt.losses, "at": time.time(), **program.progress(position),
    }  # fmt: skip
    with contextlib.suppress(OSError):  # the history is what counts
        write_json(attempt.folder / PROGRESS_FILE, progress, durable=False)


def finish_trial(session: Session, position: int, attempt: TrialAttempt) -> None:
    """Write the results, seal the history and mark the trial as done."""
    folder, program = attempt.folder, session.program
    write_results = program.write_results(position)
    outcome = {
        "steps": program.step, "attempts": attempt.lease.attempt, "wall_s": time.monotonic() - session.start_s,
        "cpu_s": (time.process_time() - session.start_cpu_s) / len(session.attempts), "pack": len(session.attempts),
        "first_step": session.resumed_step, **program.outcome(position), "finished_at": now(),
    }  # fmt: skip

    def mark_done() -> None:
        with attempt.lease.guard():
            write_results(folder)
            seal(folder, program.steps)
            program.write_final_scalars(position, folder, attempt.lease.attempt)
            write_json(folder / DONE_FILE, outcome)

    session.context.retry(mark_done)
    with contextlib.suppress(OSError):  # the trial is done, even if its leftovers cannot be deleted
        remove_attempts(folder)
        keep_last_checkpoint(folder)


def _append_rows(attempt: TrialAttempt, rows: Iterator[StepRow], speed: float) -> None:
    for row in rows:
        attempt.writer.append_row(row.step, *row.values, speed, time.time())
        if row.evidence is not None:
            attempt.writer.append_evidence(row.step, *row.evidence)
        attempt.losses = row.losses
        if row.step % SCALARS_EVERY == 0:
            attempt.scalars.append(scalar_point(row.step, row.scalars()))
