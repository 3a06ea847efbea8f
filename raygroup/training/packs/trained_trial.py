"""One trial of a pack, copied so that it can read words."""

from dataclasses import dataclass

from torch import Tensor

from raygroup.config import Trial
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import Kernels
from raygroup.model.task_classifier import TaskClassifiers
from raygroup.training.packs.training_data import TrainingData


@dataclass(frozen=True)
class TrainedTrial:
    """The weights of one trial at one step."""

    trial: Trial
    data: TrainingData
    bank: HeadBank
    """The heads of this trial alone."""
    classifier: TaskClassifiers
    r_tm: Tensor
    """(t, m)"""
    device: str
    kernels: Kernels
