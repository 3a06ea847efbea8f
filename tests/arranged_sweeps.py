"""Made-up sweeps over arrangements of heads, the sweeps that go on from them, and end-to-end scores."""

import json
from collections.abc import Callable, Sequence
from pathlib import Path

from grouping_sweeps import write_facts
from synthetic_storage import WORDS, write_sweep

from raygroup.config import Heads, Training, Trial
from raygroup.scoring.predictions import write_predictions
from raygroup.storage.sweeps import read_sweep

WORDS_PER_TASK = 4
GRID = ((1, "gumbel"), (2, "gumbel"), (7, "one-per-task"))
"""Numbers of heads and methods of the arrangements."""


def write_arrangements(
    storage: Path, name: str = "arranged", grid: Sequence[tuple[int, str]] = GRID, seeds: Sequence[int] = (0, 1),
    num_read: Callable[[Trial], int] = lambda trial: 1 + trial.seed, hour: int = 13, done: bool = True,
) -> Path:  # fmt: skip
    """Write a sweep. Of the four words of each task and split, a trial reads as many as ``num_read`` says, and nothing of the others."""
    base = Trial(heads=Heads(embed=10, hidden=8), training=Training(steps=60))
    declared = []
    for count, method in grid:
        for seed in seeds:
            trial = base.replaced("heads.count", count).replaced("grouping.method", method).replaced("seed", seed)
            declared.append((f"count={count} method={method} seed={seed}", trial))
    folder = write_sweep(storage, name, declared, hour=hour, done=done)
    if done:
        write_facts(folder)
        _write_readings(folder, num_read)
    return folder


def write_stage3(storage: Path, earlier: str, name: str, num_read: Callable[[Trial], int], hour: int = 14) -> Path:
    """Write a finished sweep with one trial for each finished trial of another, which starts from it."""
    upstream = [trial for trial in read_sweep(storage / earlier).trials if trial.state == "done"]
    declared = [(trial.label, trial.config().replaced("grouping.base_coefficient", 0.0)) for trial in upstream]
    folder = write_sweep(storage, name, declared, hour=hour)
    _add_fields(folder / "sweep.json", after=earlier)
    for trial, before in zip(read_sweep(folder).trials, upstream, strict=True):
        _add_fields(trial.folder / "config.json", start=f"{earlier}/{before.id}")
    _write_readings(folder, num_read)
    return folder


def write_end_to_end(trial_folder: Path, f: float, scenes: str = "5ce4e5", detector: str = "de7ec7") -> None:
    """Write the end-to-end scores of a trial."""
    scores = {"precision": f + 0.2, "recall": f - 0.1, "f": f, "low": f - 0.05, "high": f + 0.05}
    record = {"layout": 1, "scenes": scenes, "images": 12, "words": 90, "protocol": "mlt19-task4", **scores}
    text = json.dumps({**record, "detector": {"name": "compact", "hash": detector}, "by_task": {"ar": {"words": 9, "recall": 0.5}}})
    (trial_folder / "end_to_end.json").write_text(text)


def write_readings(trial_folder: Path, num_read: int, ending: str = "") -> None:
    """Let a trial read so many words of each task and split. ``ending`` makes them other words."""
    rows = [
        (split, task, f"{text}{number}{ending}", f"{text}{number}{ending}" if number < num_read else "", None, task, 0, 0.75, None)
        for split in ("new", "unseen")
        for task, text in WORDS.items()
        for number in range(WORDS_PER_TASK)
    ]
    names = ("split", "task", "text", "reading", "reading_by_true_task", "routed_task", "head", "confidence", "image")
    write_predictions(trial_folder / "predictions.parquet", dict(zip(names, map(list, zip(*rows, strict=True)), strict=True)))


def _write_readings(sweep_folder: Path, num_read: Callable[[Trial], int]) -> None:
    for trial in read_sweep(sweep_folder).trials:
        write_readings(trial.folder, num_read(trial.config()))


def _add_fields(path: Path, **values: object) -> None:
    path.write_text(json.dumps({**json.loads(path.read_text()), **values}))
