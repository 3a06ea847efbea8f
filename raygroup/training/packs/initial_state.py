"""What the trials of a pack start from: their heads, fresh or copies of the universal one, and R_TM before the first step."""

from collections.abc import Sequence

import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.errors import ConfigError
from raygroup.model.grouping import initial_assignment
from raygroup.model.heads.bank import HeadBank
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.randomness import generator
from raygroup.training.packs.training_data import Material
from raygroup.training.universal_weights import Universal, copy_universal

_FIXED = 50.0
"""R_TM of a task's head where the grouping is fixed: all other heads together get less than 1e-20."""
_ABSENT = -1e30
"""R_TM of a head that a smaller trial of the pack does not have: no sample ever chooses it."""


def empty_bank(trials: Sequence[Trial], material: Material) -> HeadBank:
    """A bank for the heads of these trials: of the paper's shape where features are planes (f, y, x), else (positions, f)."""
    shape = material.features.shape
    planes = len(shape) == 3
    positions = (shape[1] // 2, shape[2] // 2) if planes else (1, shape[0])
    return HeadBank(
        sum(trial.heads.count for trial in trials), material.charset.num_classes, features=shape[0] if planes else shape[1],
        positions=positions, embed=[size for trial in trials for size in trial.heads.embeds],
        hidden=[size for trial in trials for size in trial.heads.hiddens], convolve=planes,
    )  # fmt: skip


def initialise(trial: Trial, number: int, heads: range, bank: HeadBank, classifiers: TaskClassifiers, universal: Universal,
               material: Material) -> int:  # fmt: skip
    """First weights of the trial with this number and these heads, the same in any pack; how many characters the universal head never
    saw."""
    for place, head in enumerate(heads):
        bank.initialise(head, _torch_generator(trial.seed, "head", place))
    classifiers.initialise(number, _torch_generator(trial.seed, "classifier"))
    return copy_universal(bank, heads, universal, material.charset) if trial.heads.start == "universal" else 0


def first_assignments(trials: Sequence[Trial], tasks: int, fixed: bool) -> Tensor:
    """R_TM (k, t, m) before the first step; raises ConfigError where a ``fixed`` grouping has not one head for each task."""
    counts = [trial.heads.count for trial in trials]
    first = torch.full((len(trials), tasks, max(counts)), _ABSENT)
    for number, count in enumerate(counts):
        if fixed and count != tasks:
            raise ConfigError(f"heads.count is {count}: grouping.method 'one-per-task' needs one head for each of the {tasks} tasks")
        first[number, :, :count] = torch.eye(tasks) * _FIXED if fixed else initial_assignment(tasks, count)
    return first


def _torch_generator(*key: object) -> torch.Generator:
    return torch.Generator().manual_seed(int(generator(*key).integers(2**62)))
