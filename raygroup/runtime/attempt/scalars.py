"""Scalars, final scores and settings of a trial for TensorBoard.

They are collected in memory at every tenth step, and written at checkpoints. So training does not
wait for them.
"""

import contextlib
import math
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from raygroup.config import Trial
from raygroup.files.local_copies import publish
from raygroup.files.places import Place
from raygroup.history.assignments import decisiveness
from raygroup.storage.layout import TENSORBOARD_FOLDER
from raygroup.tables.history_rows import flat_fields
from raygroup.tables.trial_result import TESTED_SPLITS, mean_score

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

    from raygroup.scoring.word_accuracy import WordScores

SCALARS_EVERY = 10
"""Steps between two points of a curve."""


@dataclass(frozen=True)
class ScalarPoint:
    """The scalars after one step."""

    step: int
    at: float
    """Unix time in seconds."""
    r_tm: NDArray[np.float32]
    losses: Mapping[str, float]


def scalar_point(step: int, r_tm: NDArray[np.float32], losses: Mapping[str, float]) -> ScalarPoint:
    """Keep what TensorBoard shows of a step."""
    return ScalarPoint(step, time.time(), r_tm, losses)


def write_scalars(folder: Place, attempt: int, points: Sequence[ScalarPoint], tasks: Sequence[str]) -> None:
    """Write points of a trial, in the order of their steps.

    After a resume, TensorBoard hides the repeated steps of the attempt before.
    """
    if not points:
        return
    from tensorboardX.proto.summary_pb2 import Summary

    with _open_writer(folder, f"{attempt}-{points[-1].step}", points[0].step) as writer:
        for point in points:
            heads = zip(tasks, point.r_tm.argmax(-1), strict=True)
            values = {f"loss/{name}": loss for name, loss in point.losses.items()}
            values |= {"decisiveness": decisiveness(point.r_tm), **{f"head/{task}": float(head) for task, head in heads}}
            # One event for a step costs a fraction of one for each scalar.
            summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in values.items()])
            writer.file_writer.add_summary(summary, point.step, point.at)


def write_scores(folder: Place, attempt: int, trial: Trial, step: int, scores: "Mapping[str, WordScores]") -> None:
    """Write the scores of each tested split, and the settings, which TensorBoard lists under HPARAMS.

    ``scores`` maps a split to its scores. A score that does not exist is left out.
    """
    from tensorboardX.summary import hparams

    values = {name: value for name, value in _named_scores(scores) if not math.isnan(value)}
    means = [name for name in values if name.endswith("/mean")]
    with _open_writer(folder, f"{attempt}-scores", None) as writer:
        for summary in hparams(flat_fields(trial), dict.fromkeys(means, 0.0)):
            writer.file_writer.add_summary(summary)
        for name, value in values.items():
            writer.add_scalar(name, value, step)


def _named_scores(scores: "Mapping[str, WordScores]") -> Iterator[tuple[str, float]]:
    for split in TESTED_SPLITS:
        if split not in scores:
            continue
        for name, score in {"mean": mean_score(scores[split]), **scores[split].by_task}.items():
            yield f"accuracy_{split}/{name}", score.accuracy
            yield f"1-NED_{split}/{name}", score.one_minus_ned


@contextlib.contextmanager
def _open_writer(trial_folder: Place, suffix: str, purge_step: int | None) -> "Iterator[SummaryWriter]":
    """Yield a writer of a new file. Without the suffix, two files of one second would have one name."""
    from tensorboardX import SummaryWriter

    with (
        _local_folder(trial_folder / TENSORBOARD_FOLDER) as folder,
        SummaryWriter(str(folder), purge_step=purge_step, filename_suffix=f".{suffix}") as writer,
    ):
        yield writer


@contextlib.contextmanager
def _local_folder(target: Place) -> Iterator[Path]:
    """Yield a local folder. If the target is on an object store, the files are copied there at the end."""
    if isinstance(target, Path):
        yield target
        return
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder)
        for path in Path(folder).iterdir():
            publish(path, target / path.name)
