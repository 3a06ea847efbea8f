"""The record of each step: R_TM and the losses of every trial.

A record is one row for each trial, (k, t * m + m + 3): R_TM after the step, the mean loss of each
head, and the losses named in ``LOSSES``.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.errors import NotFiniteError

LOSSES = ("integrated", "grouping", "task")

StepRecord = tuple[int, NDArray[np.float32], NDArray[np.float32], dict[str, float]]
"""(step, R_TM (t, m), losses of the heads (m,), named losses)."""


def split_by_trial(records: Sequence[Tensor], tasks: int, counts: Sequence[int]) -> list[NDArray[np.float32]]:
    """Bring records from the device and split them by trial.

    There is one copy for all records. ``counts`` are the numbers of heads. The rows of a trial with
    m heads are (steps, t * m + m + 3), without the padding to the largest trial.
    """
    stacked = torch.stack(list(records)).cpu().numpy()
    most = max(counts)
    rows_of_trials = []
    for number, count in enumerate(counts):
        r_tm, nll, losses = np.split(stacked[:, number], [tasks * most, tasks * most + most], axis=1)
        unpadded = r_tm.reshape(len(records), tasks, most)[:, :, :count].reshape(len(records), -1)
        rows_of_trials.append(np.concatenate([unpadded, nll[:, :count], losses], 1))
    return rows_of_trials


def step_records(rows: NDArray[np.float32], first_step: int, tasks: int, heads: int) -> Iterator[StepRecord]:
    """Yield the steps in the rows of one trial. The first row is ``first_step``.

    Raises NotFiniteError at the first row in which a loss or R_TM is not finite.
    """
    for place, row in enumerate(rows):
        step = first_step + place
        r_tm, nll_m, losses = np.split(row, [tasks * heads, tasks * heads + heads])
        named = dict(zip(LOSSES, map(float, losses), strict=True))
        problem = next((f"the {name} loss is {value}" for name, value in named.items() if not np.isfinite(value)), None)
        if problem or not np.isfinite(r_tm).all():
            raise NotFiniteError(f"step {step}: {problem or 'R_TM is not finite'}. Lower training.learning_rate or training.clip")
        yield step, r_tm.reshape(tasks, heads), nll_m, named
