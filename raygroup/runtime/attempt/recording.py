"""Write the files of a trial: history, checkpoints, progress, scalars and final results."""

import contextlib
import time

import numpy as np
from numpy.typing import NDArray

from raygroup.files.atomic import write_json
from raygroup.history.assignments import assignment, decisiveness, grouping
from raygroup.history.writer import remove_attempts, seal
from raygroup.runtime.attempt.checkpoints import save_checkpoint
from raygroup.runtime.attempt.predictions import predict_test_words
from raygroup.runtime.attempt.scalars import SCALARS_EVERY, scalar_point, write_scalars, write_scores
from raygroup.runtime.attempt.session import Session, TrialAttempt
from raygroup.scoring.predictions import read_predictions, score_predictions
from raygroup.storage.checkpoint_index import keep_last_checkpoint
from raygroup.storage.layout import DONE_FILE, PREDICTIONS_FILE, PROGRESS_FILE, now
from raygroup.tables.trial_result import SCORE_COLUMNS, TESTED_SPLITS
from raygroup.training.packs.step_records import LOSSES, step_records

_PROGRESS_EVERY_S = 2.0


def record_steps(session: Session) -> None:
    """Append the records of the last steps to the histories.

    Every worker must call this.
    """
    pack, records = session.pack, session.unrecorded
    session.unrecorded = []
    rows = pack.split_records(records)
    first_step = pack.step - len(records) + 1
    now_s = time.monotonic()
    words_per_s = pack.common.training.batch * len(records) / (now_s - session.last_record_s)
    session.last_record_s = now_s
    num_tasks = len(pack.data.tasks)
    session.for_each_trial(lambda position, attempt: _append_rows(attempt, rows[position], first_step, num_tasks, words_per_s))


def write_checkpoint(session: Session, position: int, attempt: TrialAttempt) -> None:
    """Flush the history, then write the checkpoint from which a later attempt resumes."""
    pack, retry = session.pack, session.context.retry
    attempt.writer.flush()
    facts = {"charset": pack.data.charset.to_json(), "tasks": pack.data.tasks, "kernels": pack.kernels.name}
    state = pack.state(position)

    def save() -> None:
        with attempt.lease.guard():
            save_checkpoint(attempt.folder, pack.step, state, facts, attempt.lease.attempt, attempt.checksums())

    retry(save)
    retry(lambda: write_scalars(attempt.folder, attempt.lease.attempt, attempt.scalars, pack.data.tasks))
    attempt.scalars.clear()


def write_progress(session: Session, position: int, attempt: TrialAttempt, checkpoint_due: bool) -> None:
    """Write the progress file of a trial, for those who follow the sweep.

    It is written at checkpoints, and in between at most every two seconds, because training waits
    for each write to an object store.
    """
    if not checkpoint_due and time.monotonic() - attempt.progress_written_s < _PROGRESS_EVERY_S:
        return
    attempt.progress_written_s = time.monotonic()
    step, steps = session.pack.step, session.steps
    step_s = (time.monotonic() - session.start_s) / max(step - session.resumed_step, 1)
    r_tm = _r_tm(session, position, attempt)
    progress = {
        "step": step, "steps": steps, "words_per_s": session.pack.common.training.batch / step_s,
        "left_s": (steps - step) * step_s, "losses": attempt.losses, "decisiveness": decisiveness(r_tm), "at": time.time(),
        "grouping": str(grouping(session.pack.data.tasks, r_tm.shape[1], assignment(r_tm[None])[0])),
    }  # fmt: skip
    with contextlib.suppress(OSError):  # the history is what counts
        write_json(attempt.folder / PROGRESS_FILE, progress, durable=False)


def finish_trial(session: Session, position: int, attempt: TrialAttempt) -> None:
    """Read the test words, seal the history and mark the trial as done."""
    folder, pack = attempt.folder, session.pack
    write_trial_predictions = predict_test_words(pack.trained_trial(position), session.words)
    outcome = {
        "steps": pack.step, "attempts": attempt.lease.attempt, "wall_s": time.monotonic() - session.start_s,
        "cpu_s": (time.process_time() - session.start_cpu_s) / len(session.attempts), "pack": len(session.attempts),
        "first_step": session.resumed_step, "device": pack.device, "kernels": pack.kernels.name,
        "new_characters": pack.new_characters[position], "finished_at": now(),
    }  # fmt: skip

    def mark_done() -> None:
        with attempt.lease.guard():
            write_trial_predictions(folder)
            seal(folder, session.steps)
            _write_final_scalars(attempt, pack.step)
            write_json(folder / DONE_FILE, outcome)

    session.context.retry(mark_done)
    with contextlib.suppress(OSError):  # the trial is done, even if its leftovers cannot be deleted
        remove_attempts(folder)
        keep_last_checkpoint(folder)


def _append_rows(attempt: TrialAttempt, rows: NDArray[np.float32], first_step: int, num_tasks: int, words_per_s: float) -> None:
    for step, r_tm, nll_m, losses in step_records(rows, first_step, num_tasks, attempt.trial.heads.count):
        integrated, grouping_loss, task = (losses[name] for name in LOSSES)
        attempt.writer.append(step, r_tm, nll_m, integrated, grouping_loss, task, words_per_s, time.time())
        attempt.losses = losses
        if step % SCALARS_EVERY == 0:
            attempt.scalars.append(scalar_point(step, r_tm, losses))


def _write_final_scalars(attempt: TrialAttempt, step: int) -> None:
    words = read_predictions(attempt.folder / PREDICTIONS_FILE, SCORE_COLUMNS)
    scores = {split: score_predictions(words, split) for split in TESTED_SPLITS}
    write_scores(attempt.folder, attempt.lease.attempt, attempt.trial, step, scores)


def _r_tm(session: Session, position: int, attempt: TrialAttempt) -> NDArray[np.float32]:
    r_tm: NDArray[np.float32] = session.pack.r_ktm.detach()[position, :, : attempt.trial.heads.count].float().cpu().numpy()
    return r_tm
