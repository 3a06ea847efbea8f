"""Writes a small storage tree with a made-up sweep: two epsilons, two seeds, and the control beside it. The same on every call.

R_TM walks from all ones towards a planted grouping; the control's walk depends on the seed alone.
"""

import json
from pathlib import Path

import cv2
import numpy as np

from raygroup.config import Grouping, Heads, Training, Trial, trial_id
from raygroup.config_sections import fingerprint, to_json
from raygroup.files.atomic import write_bytes
from raygroup.history.writer import HistoryWriter, remove_attempts, seal
from raygroup.randomness import generator
from raygroup.scoring.predictions import write_predictions
from raygroup.tasks import PAPER_TASKS

STEPS = 60
HEADS = 5
PLANTED = {0.0: (0, 1, 2, 3, 3, 0, 4), 0.2: (0, 1, 2, 3, 2, 0, 4)}
"""Heads of ar bn zh hi ja ko la at the end, at seed 0: ``ar+ko | bn | zh | hi+ja | la`` and ``ar+ko | bn | zh+ja | hi | la``."""

WORDS = {"ar": "مرحبا", "bn": "বাংলা", "zh": "中国", "hi": "हिन्दी", "ja": "ありがとう", "ko": "한국", "la": "word"}
DATA = fingerprint("synthetic words")


def write_storage(storage: Path, seeds: tuple[int, ...] = (0, 1)) -> Path:
    """The storage path with the sweeps ``small`` and ``small_control``, all trials done, and a cache folder."""
    write_sweep(storage, "small", trials((0.0, 0.2), control=False, seeds=seeds), hour=10)
    write_sweep(storage, "small_control", trials((0.2,), control=True, seeds=seeds), hour=11)
    (storage / "cache" / "words-0a1b").mkdir(parents=True)
    (storage / "cache" / "words-0a1b" / "features.arrow").write_bytes(bytes(2000))
    return storage


def trials(epsilons: tuple[float, ...], control: bool, seeds: tuple[int, ...] = (0, 1)) -> list[tuple[str, Trial]]:
    base = Trial(heads=Heads(count=HEADS), training=Training(steps=STEPS))
    found = []
    for epsilon in epsilons:
        for seed in seeds:
            trial = base.replaced("seed", seed).replaced("grouping", Grouping(base_coefficient=epsilon, control=control))
            found.append((f"base_coefficient={epsilon} seed={seed}", trial))
    return found


def write_sweep(storage: Path, name: str, declared: list[tuple[str, Trial]], hour: int = 10, done: bool = True) -> Path:
    folder = storage / name
    folder.mkdir(parents=True)
    listed = [{"id": trial_id(name, trial, DATA), "label": label} for label, trial in declared]
    written_at = f"2026-01-02T{hour:02}:00:00+00:00"
    _json(folder / "sweep.json", name=name, hypothesis="Made up.", trials=listed, data=DATA, caches=["words-0a1b"], written_at=written_at)
    for entry, (label, trial) in zip(listed, declared, strict=True):
        if done:
            write_trial(folder / entry["id"], name, label, trial, f"2026-01-02T{hour:02}:05:00+00:00")
    return folder


def write_trial(folder: Path, sweep: str, label: str, trial: Trial, finished_at: str) -> None:
    """One finished trial: two attempts, sealed; its trained heads and predictions."""
    start_trial(folder, sweep, label, trial)
    r_tm = walk(trial)
    write_attempt(folder, 1, r_tm[: STEPS // 2 + 5], trial, 1)
    write_attempt(folder, 2, r_tm[STEPS // 2 :], trial, STEPS // 2 + 1)
    seal(folder)
    remove_attempts(folder)
    predict(folder, trial)
    (folder / "checkpoints").mkdir()
    (folder / "checkpoints" / f"step-{STEPS:06}.safetensors").write_bytes(bytes(1000))
    _json(folder / "DONE.json", steps=STEPS, wall_s=6.0 + trial.seed, cpu_s=5.5, attempts=2, finished_at=finished_at)


def start_trial(folder: Path, sweep: str, label: str, trial: Trial) -> None:
    folder.mkdir(parents=True)
    _json(folder / "config.json", label=label, sweep=sweep, trial=to_json(trial), data=DATA, tasks=list(PAPER_TASKS))


def fail_trial(folder: Path, reason: str, step: int) -> None:
    _json(folder / "FAILED.json", reason=reason, step=step, at="2026-01-02T10:05:00+00:00")


def walk(trial: Trial) -> np.ndarray:
    """(steps, tasks, heads): drift to the planted heads, rotated by the seed, with a little noise. A fixed grouping stays as it is."""
    if trial.grouping.method == "one-per-task":
        return np.tile(np.eye(len(PAPER_TASKS), dtype=np.float32), (STEPS, 1, 1))
    draws = generator(trial.seed, "walk", trial.grouping.control).normal(0, 0.12, (STEPS, len(PAPER_TASKS), trial.heads.count))
    epsilon = 0.2 if trial.grouping.control else trial.grouping.base_coefficient
    planted = [(head + trial.seed) % trial.heads.count for head in PLANTED.get(epsilon, PLANTED[0.0])]
    drift = np.eye(trial.heads.count)[planted] * (0.02 if trial.grouping.control else 0.09)
    return (1 + np.cumsum(draws + drift, axis=0)).astype(np.float32)


def write_attempt(folder: Path, attempt: int, r_tm: np.ndarray, trial: Trial, first: int) -> None:
    metadata = {"config": to_json(trial), "label": folder.name, "data": DATA, "versions": {"raygroup": "0"}, "git_commit": None}
    with HistoryWriter(folder, attempt, PAPER_TASKS, trial.heads.count, metadata) as writer:
        for step, scores in enumerate(r_tm, first):
            loss = 3 / step**0.5
            writer.append(step, scores, [loss] * trial.heads.count, loss, 0.3, loss / 2, 640 + step % 7, 1.8e9 + step * 0.1)


def predict(folder: Path, trial: Trial) -> None:
    """Two words a task and split: one read, one with its last character missing; Hindi is routed to Japanese's head."""
    rows = []
    for split in ("new", "unseen"):
        for task, text in WORDS.items():
            for number, reading in enumerate((text, text[:-1])):
                routed = "ja" if task == "hi" else task
                image = _picture(text) if number == 0 and split == "unseen" else None
                rows.append((split, task, text, "" if routed != task else reading, reading, routed, 0, 0.75, image))
    names = ("split", "task", "text", "reading", "reading_by_true_task", "routed_task", "head", "confidence", "image")
    write_predictions(folder / "predictions.parquet", dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _picture(text: str) -> bytes:
    pixels = generator("picture", text).integers(0, 255, (32, 96), np.uint8)
    return cv2.imencode(".png", pixels)[1].tobytes()


def _json(path: Path, **values: object) -> None:
    write_bytes(path, json.dumps({"layout": 1, **values}).encode(), durable=False)  # others may read it at the same time
