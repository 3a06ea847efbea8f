"""Write the files of a trial: history, checkpoints, progress, scalars and final results."""

import contextlib
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from raygroup.files.atomic import write_json
from raygroup.files.local_copies import publish
from raygroup.files.places import Place
from raygroup.history.assignments import assignment, decisiveness, grouping
from raygroup.history.writer import remove_attempts, seal
from raygroup.runtime.attempt.checkpoints import save_checkpoint
from raygroup.runtime.attempt.predictions import predict_test_words
from raygroup.runtime.attempt.session import Session, TrialAttempt
from raygroup.storage.checkpoint_index import keep_last_checkpoint
from raygroup.storage.layout import DONE_FILE, PROGRESS_FILE, TENSORBOARD_FOLDER, now
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
    retry(lambda: _write_scalars(attempt, pack.step, _r_tm(session, position, attempt), pack.data.tasks))


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


def _r_tm(session: Session, position: int, attempt: TrialAttempt) -> NDArray[np.float32]:
    r_tm: NDArray[np.float32] = session.pack.r_ktm.detach()[position, :, : attempt.trial.heads.count].float().cpu().numpy()
    return r_tm


def _write_scalars(attempt: TrialAttempt, step: int, r_tm: NDArray[np.float32], tasks: Sequence[str]) -> None:
    """Write scalars for TensorBoard.

    After a resume, TensorBoard hides the repeated steps of the attempt before.
    """
    with _tensorboard_folder(attempt.folder / TENSORBOARD_FOLDER) as folder:
        from tensorboardX import SummaryWriter

        with SummaryWriter(str(folder), purge_step=step) as writer:
            for name, loss in attempt.losses.items():
                writer.add_scalar(f"loss/{name}", loss, step)
            writer.add_scalar("decisiveness", decisiveness(r_tm), step)
            for task, head in zip(tasks, r_tm.argmax(-1), strict=True):
                writer.add_scalar(f"head/{task}", int(head), step)


@contextlib.contextmanager
def _tensorboard_folder(target: Place) -> Iterator[Path]:
    """Yield a local folder. If the target is on an object store, the files are copied there at the end."""
    if isinstance(target, Path):
        yield target
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
        for path in Path(folder).iterdir():
            publish(path, target / path.name)
