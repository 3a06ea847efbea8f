"""What a trial in training leaves in its folder: rows of its history, checkpoints, progress, scalars, and at its end the sealed rest."""

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from torch import Tensor

from raygroup.files.atomic import write_json
from raygroup.files.local_copies import publish
from raygroup.files.places import Place
from raygroup.history.assignments import assignment, decisiveness, grouping
from raygroup.history.writer import remove_attempts, seal
from raygroup.runtime.attempt.checkpoints import keep_last_checkpoint, save_checkpoint
from raygroup.runtime.attempt.predictions import write_readings
from raygroup.runtime.attempt.session import Attempt, Session
from raygroup.storage.locks import DONE, PROGRESS, now
from raygroup.training.packs.pack import LOSSES
from raygroup.training.packs.step_records import evidence

_SHOWN_EVERY_S = 2.0
Guarded = Callable[[Session, Callable[[int, Attempt], None]], None]


def record(session: Session, rows: Sequence[Tensor], guarded: Guarded) -> None:
    """The rows that the last steps left into the histories, at the speed since the last ones."""
    found = session.pack.evidence(rows)
    first = session.pack.step - len(rows) + 1
    now_s = time.monotonic()
    speed, session.recorded = session.pack.common.training.batch * len(rows) / (now_s - session.recorded), now_s
    guarded(session, lambda number, attempt: _append(attempt, found[number], first, len(session.pack.material.tasks), speed))


def checkpoint(session: Session, number: int, attempt: Attempt) -> None:
    """The history up to this step onto the disk, then the state that goes on from it."""
    pack = session.pack
    attempt.writer.flush()
    about = {"charset": pack.material.charset.to_json(), "tasks": pack.material.tasks, "kernels": pack.kernels.name}
    state = pack.state(number)

    def save() -> None:
        with attempt.lease.guard():
            save_checkpoint(attempt.folder, pack.step, state, about, attempt.lease.attempt, attempt.marks())

    session.work.patience(save)
    session.work.patience(lambda: _board(attempt, pack.step, _r_tm(session, number, attempt), pack.material.tasks))


def show(session: Session, number: int, attempt: Attempt, due: bool) -> None:
    """What the driver's progress line tells; written beside the trial, so that any machine that sees the storage can follow: where it is
    ``due``, and every two seconds, since on an object store each time is a request that training waits for."""
    if not due and time.monotonic() - attempt.shown < _SHOWN_EVERY_S:
        return
    attempt.shown = time.monotonic()
    done, steps = session.pack.step, session.steps
    per_step = (time.monotonic() - session.started) / max(done - session.first_step, 1)
    r_tm = _r_tm(session, number, attempt)
    said = {
        "step": done, "steps": steps, "words_per_s": session.pack.common.training.batch / per_step,
        "left_s": (steps - done) * per_step, "losses": attempt.losses, "decisiveness": decisiveness(r_tm), "at": time.time(),
        "grouping": str(grouping(session.pack.material.tasks, r_tm.shape[1], assignment(r_tm[None])[0])),
    }  # fmt: skip
    with contextlib.suppress(OSError):  # the history keeps what counts
        write_json(attempt.folder / PROGRESS, said, safe=False)


def finish(session: Session, number: int, attempt: Attempt) -> None:
    """Reads the words it is tested on, seals the history, and marks the trial done."""
    folder, pack, patience = attempt.folder, session.pack, session.work.patience
    readings = write_readings(pack.trained(number), session.words)
    outcome = {
        "steps": pack.step, "attempts": attempt.lease.attempt, "wall_s": time.monotonic() - session.started,
        "cpu_s": (time.process_time() - session.cpu_before) / len(session.attempts), "pack": len(session.attempts),
        "first_step": session.first_step, "device": pack.device, "kernels": pack.kernels.name,
        "new_characters": pack.new_characters[number], "finished_at": now(),
    }  # fmt: skip

    def end() -> None:
        with attempt.lease.guard():
            readings(folder)
            seal(folder, session.steps)
            write_json(folder / DONE, outcome)

    patience(end)
    with contextlib.suppress(OSError):  # the trial is done whether or not this can be cleared away
        remove_attempts(folder)
        keep_last_checkpoint(folder)


def _append(attempt: Attempt, rows: NDArray[np.float32], first: int, tasks: int, speed: float) -> None:
    for step, r_tm, nll_m, losses in evidence(rows, first, tasks, attempt.trial.heads.count):
        integrated, grouping_loss, task = (losses[name] for name in LOSSES)
        attempt.writer.append(step, r_tm, nll_m, integrated, grouping_loss, task, speed, time.time())
        attempt.losses = losses


def _r_tm(session: Session, number: int, attempt: Attempt) -> NDArray[np.float32]:
    found: NDArray[np.float32] = session.pack.r_ktm.detach()[number, :, : attempt.trial.heads.count].float().cpu().numpy()
    return found


def _board(attempt: Attempt, step: int, r_tm: NDArray[np.float32], tasks: Sequence[str]) -> None:
    """TensorBoard scalars; an attempt that goes on from a checkpoint hides the steps it repeats."""
    with _board_folder(attempt.folder / "tensorboard") as folder:
        from tensorboardX import SummaryWriter

        with SummaryWriter(str(folder), purge_step=step) as writer:
            for name, loss in attempt.losses.items():
                writer.add_scalar(f"loss/{name}", loss, step)
            writer.add_scalar("decisiveness", decisiveness(r_tm), step)
            for task, head in zip(tasks, r_tm.argmax(-1), strict=True):
                writer.add_scalar(f"head/{task}", int(head), step)


@contextlib.contextmanager
def _board_folder(target: Place) -> Iterator[Path]:
    """A folder of this machine; for an object store its files are put there at the end."""
    if isinstance(target, Path):
        yield target
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
        for path in Path(folder).iterdir():
            publish(path, target / path.name)
