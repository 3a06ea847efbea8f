"""Trains one trial in this process, from its folder alone: resumes, records, checkpoints, reads, seals, and marks it done."""

import functools
import platform
import subprocess
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from importlib.metadata import version
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
from raygroup.scoring.predictions import FILE as PREDICTIONS
from raygroup.scoring.predictions import write_predictions
from raygroup.training.reading import read_words, tested_rows
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
_TESTED = 200
"""Words read of each task and split after training."""
_SHOWN = 3
"""Words of each task and split whose picture is kept for the summary."""
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
    step_s: list[float] = field(default_factory=list)

    @property
    def material(self) -> Material:
        return self.grouped.material


def run_trial(folder: Path, storage: Path, device: str = "cpu", report: Report = lambda scalars: None) -> str | None:
    """Trains the trial of a folder to its end, from its last checkpoint if it has one; returns None, or why it failed.

    A failure (a loss that is not finite, a full disk) leaves FAILED.json and a readable history. Raises ConfigError where another
    process writes the trial.
    """
    torch.set_num_threads(1)
    with held(folder, "trial", _ORPHANED_S):
        if is_done(folder):
            return None
        try:
            _train(folder, storage, device, report)
        except (NotFiniteError, OSError, ConfigError) as error:
            _failed(folder, str(error))
            return str(error)
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
    _write_readings(session)
    seal(folder)
    outcome = {
        "steps": session.grouped.step, "attempts": session.attempt, "wall_s": time.monotonic() - session.started,
        "cpu_s": time.process_time() - cpu_before, "new_characters": session.grouped.new_characters, "finished_at": now(),
    }  # fmt: skip
    write_json(folder / DONE, outcome)
    remove_attempts(folder)
    keep_last_checkpoint(folder)


def _opened(folder: Path, storage: Path, device: str, report: Report) -> Session:
    config = read_json(folder / CONFIG)
    trial = from_json(config["trial"])
    words = open_words(storage / config["store"])
    material = _material(words, Features(storage / config["features"]), trial.grouping.word_tasks)
    grouped = Grouped(trial, material, load_universal(Path(config["weights"])), device)
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
    before = time.perf_counter()
    session.waiting.append(session.grouped.advance())
    session.step_s.append(time.perf_counter() - before)
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
    """The waiting steps into the history; the losses of the last one."""
    rows, seconds = session.waiting, session.step_s
    session.waiting, session.step_s = [], []
    first = session.grouped.step - len(rows) + 1
    batch, shape = session.trial.training.batch, (len(session.material.tasks), session.trial.heads.count)
    losses: dict[str, float] = {}
    for (step, r_tm, nll_m, losses), took in zip(evidence(rows, first, *shape), seconds, strict=False):
        integrated, grouping_loss, task = (losses[name] for name in LOSSES)
        session.history.append(step, r_tm, nll_m, integrated, grouping_loss, task, batch / took, time.time())
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


def _write_readings(session: Session) -> None:
    words, task_of = session.words, session.words.task_numbers()
    columns: dict[str, list[Any]] = {"split": []}
    chosen = []
    for split in ("new", "unseen"):
        rows = tested_rows(words.rows_of(split), task_of, _TESTED)
        chosen.append(rows)
        columns["split"] += [split] * len(rows)
    rows = np.concatenate(chosen)
    readings = read_words(session.grouped, rows, task_of[rows])
    table = words.columns.take(rows)
    columns |= {"task": table["task"].to_pylist(), "text": table["text"].to_pylist(), "reading": readings.reading}
    columns |= {"reading_by_true_task": readings.by_true_task, "routed_task": readings.task, "head": readings.head}
    columns |= {"confidence": readings.confidence, "image": _shown(words, rows, columns["split"], task_of[rows])}
    write_predictions(session.folder / PREDICTIONS, columns)


def _shown(words: WordTable, rows: np.ndarray[Any, Any], splits: list[str], tasks: np.ndarray[Any, Any]) -> list[bytes | None]:
    """The pictures of the first few words of each task and split."""
    seen: dict[tuple[str, int], int] = {}
    places = []
    for place, key in enumerate(zip(splits, tasks.tolist(), strict=True)):
        seen[key] = seen.get(key, 0) + 1
        if seen[key] <= _SHOWN:
            places.append(place)
    pictures: list[bytes | None] = [None] * len(rows)
    for mine, images in words.images(rows[places]):
        for place, image in zip(mine, images.to_pylist(), strict=True):
            pictures[places[place]] = image
    return pictures


def _failed(folder: Path, reason: str) -> None:
    try:
        history = read_history(folder)
        step = int(history.step[-1]) if len(history.step) else 0
    except ConfigError:
        step = 0
    try:
        write_json(folder / FAILED, {"reason": reason, "step": step, "at": now()})
    except OSError:
        return  # a full disk: the driver is told by the return value


@functools.cache
def versions() -> dict[str, str]:
    names = ("raygroup", "torch", "numpy", "pyarrow", "ray")
    found = {"python": platform.python_version()}
    for name in names:
        try:
            found[name] = version(name)
        except ModuleNotFoundError:
            continue
    return found


@functools.cache
def git_commit() -> str | None:
    """The commit of the checkout this code lies in, with + if it was changed since; None outside one."""
    here = Path(__file__).parent
    ask = functools.partial(subprocess.run, cwd=here, capture_output=True, text=True, check=False, timeout=10)
    try:
        head = ask(["git", "rev-parse", "HEAD"])
        changed = ask(["git", "status", "--porcelain", "--untracked-files=no"])
    except (OSError, subprocess.TimeoutExpired):
        return None
    return head.stdout.strip() + ("+" if changed.stdout else "") if head.returncode == 0 else None
