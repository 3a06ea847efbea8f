"""Trains one trial in this process, from its folder alone: resumes, records, checkpoints, reads, seals, and marks it done."""

import contextlib
import time
import traceback
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor

from raygroup.config import ConfigError, Trial, from_json
from raygroup.history.assignments import assignment, decisiveness, grouping
from raygroup.history.reader import attempt_files, read_history
from raygroup.history.storage import read_json
from raygroup.history.writer import HistoryWriter, remove_attempts, seal
from raygroup.runtime.checkpoints import keep_last_checkpoint, load_checkpoint, save_checkpoint
from raygroup.runtime.ledger import CONFIG, DONE, FAILED, PROGRESS, held, is_done, now, write_json
from raygroup.runtime.plan import weights_file
from raygroup.runtime.provenance import git_commit, versions
from raygroup.runtime.readings import write_readings
from raygroup.training.targets import encoded
from raygroup.training.trial import LOSSES, Grouped, Material, NotFiniteError, evidence
from raygroup.training.weights import load_universal
from raygroup.words.charset import Charset
from raygroup.words.coverage import task_shares
from raygroup.words.features import Features
from raygroup.words.store import WordTable
from raygroup.words.store import read_words as open_words

_FLUSH_EVERY = 10
"""Steps kept on the device before they are brought to the history: few enough to see progress, many enough to cost nothing."""
_ORPHANED_S = 30.0
Report = Callable[[dict[str, float]], None]


@dataclass
class Session:
    """One attempt at a trial."""

    folder: Path
    config: dict[str, Any]
    trial: Trial
    words: WordTable
    grouped: Grouped
    history: HistoryWriter
    attempt: int
    report: Report
    first_step: int
    """Steps that earlier attempts had done."""
    started: float = field(default_factory=time.monotonic)
    waiting: list[Tensor] = field(default_factory=list)
    recorded: float = field(default_factory=time.monotonic)
    """When steps were last brought from the device."""

    @property
    def material(self) -> Material:
        return self.grouped.material


def run_trial(folder: Path, storage: Path, device: str = "cpu", report: Report = lambda scalars: None) -> str | None:
    """Trains the trial of a folder to its end, from its last checkpoint if it has one; returns None, or why it failed.

    A failure (a loss that is not finite, a full disk) leaves FAILED.json and a readable history; a trial that another process writes
    is left to it.
    """
    torch.set_num_threads(1)
    try:
        with held(folder, "trial", _ORPHANED_S):
            return None if is_done(folder) else _tried(folder, storage, device, report)
    except ConfigError as held_elsewhere:
        return str(held_elsewhere)


def _tried(folder: Path, storage: Path, device: str, report: Report) -> str | None:
    """Whatever goes wrong concerns this trial alone: its reason is kept, the sweep goes on."""
    try:
        _train(folder, storage, device, report)
    except (NotFiniteError, OSError, ConfigError) as error:
        return _failed(folder, str(error))
    except Exception as error:
        trace = folder / "error.txt"
        with contextlib.suppress(OSError):
            trace.write_text(traceback.format_exc())
        return _failed(folder, f"{type(error).__name__}: {error} (its traceback: {trace})")
    return None


def _train(folder: Path, storage: Path, device: str, report: Report) -> None:
    cpu_before = time.process_time()
    session = _opened(folder, storage, device, report)
    with session.history:
        try:
            while session.grouped.step < session.trial.training.steps:
                _advance(session)
        finally:
            _record(session)
    write_readings(session.grouped, session.words, folder)
    seal(folder, session.trial.training.steps)
    outcome = {
        "steps": session.grouped.step, "attempts": session.attempt, "wall_s": time.monotonic() - session.started,
        "cpu_s": time.process_time() - cpu_before, "new_characters": session.grouped.new_characters, "finished_at": now(),
    }  # fmt: skip
    write_json(folder / DONE, outcome)
    with contextlib.suppress(OSError):  # the trial is done whether or not this can be cleared away
        remove_attempts(folder)
        keep_last_checkpoint(folder)


def _opened(folder: Path, storage: Path, device: str, report: Report) -> Session:
    config = read_json(folder / CONFIG)
    trial = from_json(config["trial"])
    words = open_words(storage / config["store"])
    material = _material(words, Features(storage / config["features"]), trial.grouping.word_tasks)
    grouped = Grouped(trial, material, load_universal(weights_file(config["weights"])), device)
    found = load_checkpoint(folder)
    if found is not None:
        grouped.restore(*found)
    attempt = 1 + max((int(path.stem.split("-")[1]) for path in attempt_files(folder)), default=0)
    metadata = {
        "config": config["trial"], "label": config["label"], "data": config["data"], "versions": versions(),
        "charset": material.charset.hash, "git_commit": git_commit(),
    }  # fmt: skip
    history = HistoryWriter(folder, attempt, material.tasks, trial.heads.count, metadata)
    return Session(folder, config, trial, words, grouped, history, attempt, report, grouped.step)


def _material(words: WordTable, features: Features, word_tasks: str) -> Material:
    tasks, labels = words.metadata.tasks, words.labels()
    train, task_of = words.rows_of("train"), words.task_numbers()
    charset = Charset.of([labels[row] for row in train])
    targets, lengths = encoded(labels, charset)
    p_wt = np.zeros((len(labels), len(tasks)), np.float32)
    known = np.flatnonzero(task_of >= 0)
    p_wt[known, task_of[known]] = 1
    unknown = np.flatnonzero(task_of < 0)
    if len(unknown):
        p_wt[unknown] = task_shares([labels[row] for row in unknown], tasks, word_tasks=word_tasks)
    return Material(features, targets, lengths, p_wt, train, tasks, charset)


def _advance(session: Session) -> None:
    session.waiting.append(session.grouped.advance())
    step, training = session.grouped.step, session.trial.training
    checkpoint = step % training.checkpoint_every == 0 or step == training.steps
    if checkpoint or len(session.waiting) == _FLUSH_EVERY:
        losses = _record(session)
        _show(session, losses)
        if checkpoint:
            session.history.flush()
            charset = session.material.charset.to_json()
            save_checkpoint(session.folder, step, session.grouped.state(), {"charset": charset, "tasks": session.material.tasks})
            session.report({"step": step, **{f"loss/{name}": loss for name, loss in losses.items()}})
            _board(session, step, losses)


def _record(session: Session) -> dict[str, float]:
    """The waiting steps into the history, at the speed since the last ones; the losses of the last step."""
    rows, session.waiting = session.waiting, []
    first = session.grouped.step - len(rows) + 1
    batch, shape = session.trial.training.batch, (len(session.material.tasks), session.trial.heads.count)
    losses: dict[str, float] = {}
    for step, r_tm, nll_m, losses in evidence(rows, first, *shape):
        if step == first:
            now_s = time.monotonic()
            speed, session.recorded = batch * len(rows) / (now_s - session.recorded), now_s
        integrated, grouping_loss, task = (losses[name] for name in LOSSES)
        session.history.append(step, r_tm, nll_m, integrated, grouping_loss, task, speed, time.time())
    return losses


def _show(session: Session, losses: dict[str, float]) -> None:
    """What the driver's progress line tells; written beside the trial, so that any machine that sees the storage can follow."""
    done, steps = session.grouped.step, session.trial.training.steps
    r_tm = session.grouped.r_tm.detach().cpu().numpy()
    per_step = (time.monotonic() - session.started) / max(done - session.first_step, 1)
    said = {
        "step": done, "steps": steps, "words_per_s": session.trial.training.batch / per_step,
        "left_s": (steps - done) * per_step, "losses": losses, "decisiveness": decisiveness(r_tm),
        "grouping": str(grouping(session.material.tasks, r_tm.shape[1], assignment(r_tm[None])[0])),
    }  # fmt: skip
    write_json(session.folder / PROGRESS, said, safe=False)


def _board(session: Session, step: int, losses: dict[str, float]) -> None:
    """TensorBoard scalars; an attempt that goes on from a checkpoint hides the steps it repeats."""
    from tensorboardX import SummaryWriter

    with SummaryWriter(str(session.folder / "tensorboard"), purge_step=step) as writer:
        for name, loss in losses.items():
            writer.add_scalar(f"loss/{name}", loss, step)
        r_tm = session.grouped.r_tm.detach().cpu().numpy()
        writer.add_scalar("decisiveness", decisiveness(r_tm), step)
        for task, head in zip(session.material.tasks, r_tm.argmax(-1), strict=True):
            writer.add_scalar(f"head/{task}", int(head), step)


def _failed(folder: Path, reason: str) -> str:
    """Says on disk why, and after which step; on a full disk only the return value, the reason, tells the driver."""
    with contextlib.suppress(OSError):
        try:
            steps = read_history(folder).step
        except ConfigError:
            steps = np.zeros(0, np.int32)
        write_json(folder / FAILED, {"reason": reason, "step": int(steps[-1]) if len(steps) else 0, "at": now()})
    return reason
