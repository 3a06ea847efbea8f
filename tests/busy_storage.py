"""Writes a storage path that is being worked on: beside finished sweeps one with trials in every state."""

import json
import time
from dataclasses import dataclass
from pathlib import Path

from synthetic_storage import fail_trial, start_trial, trials, walk, write_attempt, write_storage, write_sweep

from raygroup.files.local_copies import publish
from raygroup.files.places import Place
from raygroup.storage.sweeps import read_sweeps


@dataclass(frozen=True)
class Busy:
    """Beside the finished sweeps of ``write_storage`` one named ``half``: a trial failed, one in training, one silent, one not begun."""

    storage: Place
    failed: Place
    running: Place
    silent: Place
    waiting: Place

    @property
    def folder(self) -> Place:
        return self.failed.parent


def write_busy(storage: Path) -> Busy:
    write_storage(storage)
    declared = trials((0.1, 0.3), control=False)
    write_sweep(storage, "half", declared, done=False)
    half = read_sweeps(storage)[0].trials
    for trial, (label, config) in list(zip(half, declared, strict=True))[:3]:
        start_trial(trial.folder, "half", label, config)
        write_attempt(trial.folder, 1, walk(config)[:20], config, 1)
    failed, running, silent, waiting = (trial.folder for trial in half)
    fail_trial(failed, "integrated loss is nan", 20)
    (failed / "error.txt").write_text("Traceback (most recent call last): made up")
    for folder, ago_s in ((running, 5.0), (silent, 7200.0)):
        said(folder, step=20, steps=60, at=time.time() - ago_s)
        leased(folder, 2)
    for number in (100, 200):
        for rank in (0, 1):
            (silent / f"stalled-{number}-{rank}.txt").write_text(f"stacks of {number}, rank {rank}")
    return Busy(storage, failed, running, silent, waiting)


def said(folder: Path, **values: object) -> None:
    (folder / "progress.json").write_text(json.dumps({"layout": 1, **values}))


def leased(folder: Path, attempts: int) -> None:
    told = [
        {"attempt": number, "by": f"process {number} on node-{number}", "at": f"2026-01-02T0{number}:00:00+00:00", "from_step": 10 * number}
        for number in range(1, attempts + 1)
    ]
    (folder / "lease.json").write_text(json.dumps({"layout": 1, "attempt": attempts, "token": "secret", "attempts": told}))


def uploaded(folder: Path, target: Place) -> Place:
    for path in sorted(folder.rglob("*")):
        if path.is_file():
            publish(path, target / path.relative_to(folder).as_posix())
    return target
