"""The two phases of stage 1: the trunk with the universal head, then the head alone on frozen features."""

from collections.abc import Callable, Mapping
from typing import Protocol

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from raygroup.config import Pretraining
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import choose_kernels
from raygroup.model.laptop_trunk import Trunk
from raygroup.model.losses import word_weights
from raygroup.randomness import generator
from raygroup.training.feature_extraction import extract_features
from raygroup.training.label_batches import Batch, hidden_characters, make_batch
from raygroup.training.schedule import learning_rate_at
from raygroup.training.universal_draws import TrainingWords
from raygroup.trunks import FEATURES
from raygroup.words.crop_jitter import move_edges

_WARM_UP_STEPS = 200


class Phase(Protocol):
    """A phase of the training. Its steps count from 0."""

    name: str
    """``crops`` or ``features``: the inputs of the phase, part of the keys of its random numbers."""
    first_step: int
    """Steps of the phases before it."""
    steps: int
    modules: Mapping[str, nn.Module]
    """The modules whose state a checkpoint keeps."""
    optimizer: torch.optim.Optimizer

    def losses(self, step: int, rows: NDArray[np.intp]) -> tuple[Tensor, Tensor | None]:
        """Return the reading loss of these words, and the alignment loss if the phase has one."""

    def learning_rate(self, step: int) -> float: ...


class TrunkAndHead:
    """Trains trunk and head on crops. An auxiliary CTC loss aligns the features early."""

    name = "crops"
    first_step = 0

    def __init__(self, trunk: Trunk, head: HeadBank, words: TrainingWords, settings: Pretraining, device: str) -> None:
        self._trunk, self._head, self._words = trunk, head, words
        self._settings, self._device = settings, device
        self._alignment = nn.Linear(FEATURES, head.classes).to(device)
        self.steps = settings.steps
        self.modules: Mapping[str, nn.Module] = {"trunk": trunk, "head": head, "alignment": self._alignment}
        weights = [weight for module in self.modules.values() for weight in module.parameters()]
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(weights, settings.learning_rate, weight_decay=settings.weight_decay)

    def losses(self, step: int, rows: NDArray[np.intp]) -> tuple[Tensor, Tensor | None]:
        settings = self._settings
        crops = move_edges(self._words.crops[rows], settings.jitter, generator(settings.seed, "pretraining crops", step))
        read = self._trunk(torch.from_numpy(crops).to(self._device))
        batch = make_batch(read, self._words.targets[rows], self._words.lengths[rows]).to(self._device)
        return reading_loss(self._head, batch, settings, self.name, step), _alignment_loss(self._alignment(read), batch)

    def learning_rate(self, step: int) -> float:
        warm_up = min(1.0, (step + 1) / _WARM_UP_STEPS)
        return warm_up * learning_rate_at(step, self.steps, self._settings.learning_rate)


class HeadAlone:
    """Trains the head alone on the features of the frozen trunk, which are computed once."""

    name = "features"

    def __init__(
        self, trunk: Trunk, head: HeadBank, words: TrainingWords, settings: Pretraining, device: str,
        on_features: Callable[[int, int], None],
    ) -> None:  # fmt: skip
        """``on_features`` is called with the number of crops that the trunk has read, and the number of all."""
        self._head, self._words, self._settings, self._device = head, words, settings, device
        trunk.eval().requires_grad_(False)
        self._features = extract_features(trunk, words.crops, lambda done: on_features(done, len(words.crops)))
        self.first_step, self.steps = settings.steps, settings.head_steps
        self.modules: Mapping[str, nn.Module] = {"trunk": trunk, "head": head}
        self.optimizer: torch.optim.Optimizer = torch.optim.AdamW(
            head.parameters(), settings.head_learning_rate, weight_decay=settings.weight_decay
        )

    def losses(self, step: int, rows: NDArray[np.intp]) -> tuple[Tensor, Tensor | None]:
        features = torch.from_numpy(self._features[rows]).float()
        batch = make_batch(features, self._words.targets[rows], self._words.lengths[rows]).to(self._device)
        return reading_loss(self._head, batch, self._settings, self.name, step), None

    def learning_rate(self, step: int) -> float:
        return learning_rate_at(step, self.steps, self._settings.head_learning_rate)


def reading_loss(head: HeadBank, batch: Batch, settings: Pretraining, phase: str, step: int) -> Tensor:
    """Return the head's mean loss over the words of a batch.

    A word's loss is the mean over its characters.
    """
    random = generator(settings.seed, "pretraining word dropout", phase, step)
    hidden = hidden_characters(settings.heads.word_dropout, tuple(batch.targets.shape), random)  # type: ignore[arg-type]
    weights = word_weights(batch.words.new_ones(len(batch.lengths), 1), batch.lengths).T[:, batch.owners]
    inputs = batch.inputs_without([hidden])
    total, _ = head.losses(batch.words, inputs, batch.characters, batch.active, weights, choose_kernels("auto"))
    return total.sum()


def _alignment_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Return the CTC loss over the columns of the features.

    Class 0 is the blank, and the end class is left out.
    """
    log_probabilities = logits.log_softmax(-1).transpose(0, 1)
    columns = torch.full((len(logits),), logits.shape[1])
    return F.ctc_loss(log_probabilities, batch.targets, columns, batch.lengths - 1, blank=0, zero_infinity=True)
