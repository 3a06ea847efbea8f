"""The initial heads, classifiers and R_TM of a pack."""

from collections.abc import Sequence

import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.errors import ConfigError
from raygroup.model.grouping import initial_assignment
from raygroup.model.heads.bank import HeadBank
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.randomness import generator
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.universal_weights import UniversalModel, copy_universal

_FIXED = 50.0
"""R_TM of a task's head in a fixed grouping.

All other heads together have a probability below 1e-20.
"""
_ABSENT = -1e30
"""R_TM of the heads that a smaller trial of a pack lacks. No sample ever chooses them."""


def empty_bank(trials: Sequence[Trial], data: TrainingData) -> HeadBank:
    """Return a bank of zeros for the heads of these trials.

    Heads have the paper's shape if the features are planes (f, y, x). If the features are
    (positions, f), heads have no convolution.
    """
    shape = data.features.shape
    planes = len(shape) == 3
    positions = (shape[1] // 2, shape[2] // 2) if planes else (1, shape[0])
    return HeadBank(
        sum(trial.heads.count for trial in trials), data.charset.num_classes, features=shape[0] if planes else shape[1],
        positions=positions, embed=[size for trial in trials for size in trial.heads.embeds],
        hidden=[size for trial in trials for size in trial.heads.hiddens], convolve=planes,
    )  # fmt: skip


def initialise_trial(
    trial: Trial, number: int, heads: range, bank: HeadBank, classifiers: TaskClassifiers, universal: UniversalModel, data: TrainingData
) -> int:
    """Set the initial weights of one trial.

    They are the same in any pack. ``number`` is the trial's place in the pack, and ``heads`` its
    places in the bank. Returns the number of characters that the universal head does not know.
    """
    for place, head in enumerate(heads):
        bank.initialise(head, _torch_generator(trial.seed, "head", place))
    classifiers.initialise(number, _torch_generator(trial.seed, "classifier"))
    return copy_universal(bank, heads, universal, data.charset) if trial.heads.start == "universal" else 0


def initial_assignments(trials: Sequence[Trial], tasks: int, fixed: bool) -> Tensor:
    """Return R_TM (k, t, m) before the first step.

    Raises ConfigError if the grouping is ``fixed`` and a trial does not have one head for each
    task.
    """
    counts = [trial.heads.count for trial in trials]
    r_ktm = torch.full((len(trials), tasks, max(counts)), _ABSENT)
    for number, count in enumerate(counts):
        if fixed and count != tasks:
            raise ConfigError(f"heads.count is {count}: grouping.method 'one-per-task' needs one head for each of the {tasks} tasks")
        r_ktm[number, :, :count] = torch.eye(tasks) * _FIXED if fixed else initial_assignment(tasks, count)
    return r_ktm


def _torch_generator(*key: object) -> torch.Generator:
    return torch.Generator().manual_seed(int(generator(*key).integers(2**62)))
