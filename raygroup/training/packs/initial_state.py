"""The initial heads, classifiers and R_TM of a pack."""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from raygroup.config import Trial
from raygroup.errors import ConfigError
from raygroup.model.grouping import initial_assignment
from raygroup.model.heads.bank import HeadBank
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.randomness import generator
from raygroup.task_groups import require_fitting_groups
from raygroup.training.packs.added_tasks import start_added_heads
from raygroup.training.packs.training_data import TrainingData
from raygroup.training.universal_weights import UniversalModel, copy_universal

TrainedTensors = Mapping[str, Tensor]
"""The tensors of a finished stage-2 trial, by the names of ``Pack.state``."""

_FIXED = 50.0
"""R_TM of a task's head in a fixed grouping."""
_FOREIGN = -1000.0
"""R_TM of the other heads. Their probability is exactly 0, in double precision too.

With a tiny one, gradients of foreign words are denormal numbers, which a processor is slow at: 20 heads took four times as long.
"""
_ABSENT = -1e30
"""R_TM of the heads that a smaller trial of a pack lacks. No sample ever chooses them."""


def empty_bank(trials: Sequence[Trial], data: TrainingData) -> HeadBank:
    """Return a bank of zeros for the heads of these trials."""
    return HeadBank.for_features(
        sum(trial.heads.count for trial in trials), data.charset.num_classes, data.features.shape,
        embed=[size for trial in trials for size in trial.heads.embeds], hidden=[size for trial in trials for size in trial.heads.hiddens],
    )  # fmt: skip


def initialise_trial(
    trial: Trial, number: int, heads: range, bank: HeadBank, classifiers: TaskClassifiers, universal: UniversalModel, data: TrainingData,
    trained: TrainedTensors | None = None,
) -> int:  # fmt: skip
    """Set the initial weights of one trial.

    They are the same in any pack. ``number`` is the trial's place in the pack, and ``heads`` its
    places in the bank. ``trained`` are the tensors of the stage-2 trial from which it goes on, or for a
    bank of group heads those of ``trained_group_heads``.
    Returns the number of characters that the universal head does not know.
    """
    if trial.heads.start == "trained" and not trial.grouping.is_cover:
        _copy_trained(bank, heads, classifiers, number, require_trained(trained))
        return 0
    for place, head in enumerate(heads):
        bank.initialise(head, _torch_generator(trial.seed, *_head_key(trial, place)))
    classifiers.initialise(number, _torch_generator(trial.seed, "classifier"))
    if trial.heads.start == "trained":
        return start_added_heads(bank, heads, universal, require_trained(trained), data.charset)
    return copy_universal(bank, heads, universal, data.charset) if trial.heads.start == "universal" else 0


def _head_key(trial: Trial, place: int) -> tuple[object, ...]:
    """Return the key of a head's random weights: its place, or for a group head its group, whatever the bank."""
    return ("group head", *sorted(trial.grouping.groups[place])) if trial.grouping.is_cover else ("head", place)


def initial_assignments(trials: Sequence[Trial], tasks: Sequence[str], trained: Sequence[TrainedTensors | None]) -> Tensor:
    """Return R_TM (k, t, m) before the first step.

    ``trained`` are the tensors of the stage-2 trials. Raises ConfigError if a grouping that is given
    does not fit the ``tasks``.
    """
    most = max(trial.heads.count for trial in trials)
    r_ktm = torch.full((len(trials), len(tasks), most), _ABSENT)
    for number, (trial, tensors) in enumerate(zip(trials, trained, strict=True)):
        r_ktm[number, :, : trial.heads.count] = _initial_assignment(trial, tasks, tensors)
    return r_ktm


def _initial_assignment(trial: Trial, tasks: Sequence[str], trained: TrainedTensors | None) -> Tensor:
    count, method = trial.heads.count, trial.grouping.method
    require_fitting_groups(trial, tasks)
    if method in ("gumbel", "probe"):
        return initial_assignment(len(tasks), count)
    if trial.grouping.is_cover:
        return torch.tensor([[_FIXED if task in group else _FOREIGN for group in trial.grouping.groups] for task in tasks])
    if method == "one-per-task":
        head_of = torch.arange(len(tasks))
    elif method == "trained":
        head_of = require_trained(trained)["r_tm"].argmax(-1)
    else:
        places = {task: head for head, group in enumerate(trial.grouping.groups) for task in group}
        head_of = torch.tensor([places[task] for task in tasks])
    return grouped_assignment(head_of, count)


def grouped_assignment(head_of: Tensor, heads: int) -> Tensor:
    """Return R_TM (t, m) of a fixed grouping. ``head_of`` (t,) are the heads of the tasks."""
    return torch.full((len(head_of), heads), _FOREIGN).scatter_(1, head_of[:, None], _FIXED)


def require_trained(trained: TrainedTensors | None) -> TrainedTensors:
    """Return the tensors of a stage-2 trial. Raises ConfigError if there is none."""
    if trained is None:
        raise ConfigError("heads.start and grouping.method are 'trained': such a trial is a Finetuning that comes after a sweep of stage 2")
    return trained


def _copy_trained(bank: HeadBank, heads: range, classifiers: TaskClassifiers, number: int, tensors: TrainedTensors) -> None:
    rows = slice(heads.start, heads.stop)
    with torch.no_grad():
        for module, prefix, place in ((bank, "heads.", rows), (classifiers, "classifier.", slice(number, number + 1))):
            for name, parameter in module.named_parameters():
                parameter[place] = tensors[prefix + name].to(parameter.dtype)


def _torch_generator(*key: object) -> torch.Generator:
    return torch.Generator().manual_seed(int(generator(*key).integers(2**62)))
