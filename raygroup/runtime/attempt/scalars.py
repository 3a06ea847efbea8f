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
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from raygroup.files.local_copies import publish
from raygroup.files.places import Place
from raygroup.history.assignments import assignment, decisiveness, grouping
from raygroup.search_space import AnyTrial
from raygroup.storage.layout import TENSORBOARD_FOLDER
from raygroup.tables.history_rows import flat_fields

if TYPE_CHECKING:
    from tensorboardX import SummaryWriter

SCALARS_EVERY = 10
"""Steps between two points of a curve."""


@dataclass(frozen=True)
class ScalarPoint:
    """The scalars after one step."""

    step: int
    at: float
    """Unix time in seconds."""
    values: Mapping[str, float]
    """Curve -> its value."""


def scalar_point(step: int, values: Mapping[str, float]) -> ScalarPoint:
    """Keep what TensorBoard shows of a step."""
    return ScalarPoint(step, time.time(), values)


def grouping_curves(tasks: Sequence[str], r_tm: NDArray[np.float32]) -> dict[str, float]:
    """Return the decisiveness of R_TM (t, m) and the head of each task, as curves of TensorBoard."""
    return {"decisiveness": decisiveness(r_tm)} | {f"head/{task}": float(head) for task, head in zip(tasks, r_tm.argmax(-1), strict=True)}


def grouping_progress(tasks: Sequence[str], r_tm: NDArray[np.float32]) -> dict[str, Any]:
    """Return what a progress file says of R_TM (t, m)."""
    groups = grouping(tasks, r_tm.shape[1], assignment(r_tm[None])[0])
    return {"decisiveness": decisiveness(r_tm), "grouping": str(groups)}


def write_scalars(folder: Place, attempt: int, points: Sequence[ScalarPoint]) -> None:
    """Write points of a trial, in the order of their steps.

    After a resume, TensorBoard hides the repeated steps of the attempt before.
    """
    if not points:
        return
    from tensorboardX.proto.summary_pb2 import Summary

    with _open_writer(folder, f"{attempt}-{points[-1].step}", points[0].step) as writer:
        for point in points:
            # One event for a step costs a fraction of one for each scalar.
            summary = Summary(value=[Summary.Value(tag=name, simple_value=value) for name, value in point.values.items()])
            writer.file_writer.add_summary(summary, point.step, point.at)


def write_settings_and_scores(
    folder: Place, attempt: int, trial: AnyTrial, step: int, scores: Mapping[str, float], measures: Sequence[str]
) -> None:
    """Write the scores of a finished trial, and its settings, which TensorBoard lists under HPARAMS.

    A score that is nan does not exist, and is left out. ``measures`` are the scores to list beside the settings.
    """
    from tensorboardX.summary import hparams

    values = {name: value for name, value in scores.items() if not math.isnan(value)}
    listed = [name for name in measures if name in values]
    with _open_writer(folder, f"{attempt}-scores", None) as writer:
        for summary in hparams(flat_fields(trial), dict.fromkeys(listed, 0.0)):
            writer.file_writer.add_summary(summary)
        for name, value in values.items():
            writer.add_scalar(name, value, step)


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
