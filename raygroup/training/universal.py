"""Stage 1 at laptop scale: the trunk and the universal head, together on crops, then the head alone on the frozen features."""

from collections.abc import Callable, Sequence

import numpy as np
import torch
import torch.nn.functional as F
from numpy.typing import NDArray
from torch import Tensor, nn

from raygroup.config import Pretraining
from raygroup.model.heads.bank import HeadBank
from raygroup.model.kernels.forms import kernels
from raygroup.model.laptop_trunk import FEATURES, POSITIONS, Trunk
from raygroup.model.losses import word_weights
from raygroup.randomness import generator
from raygroup.training.feature_extraction import extracted
from raygroup.training.label_batches import Batch, batch, encoded, hidden_characters, longest_first, rate
from raygroup.training.universal_weights import Universal
from raygroup.words.charset import Charset

Progress = Callable[[str, int, int, float], None]
"""Told (phase, step, steps, loss) now and then."""
_WARM_UP = 200


def train_universal(
    crops: NDArray[np.uint8], labels: Sequence[str], charset: Charset, settings: Pretraining, progress: Progress
) -> Universal:
    """A trunk and its universal head from crops (n, 32, 96) and their labels, the same for the same settings and number of threads."""
    torch.manual_seed(settings.seed)
    trunk = Trunk().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = HeadBank(
        1, charset.num_classes, features=FEATURES, positions=POSITIONS, embed=settings.heads.embed, hidden=settings.heads.hidden
    )
    head.initialise(0, torch.Generator().manual_seed(settings.seed))
    targets, lengths = encoded(labels, charset)

    _train_both(trunk, head, crops, targets, lengths, settings, progress)
    trunk.eval().requires_grad_(False)
    features = extracted(trunk, crops)
    _train_head(head, features, targets, lengths, settings, progress)
    return Universal(trunk, head.requires_grad_(False), charset)


def _train_both(
    trunk: Trunk, head: HeadBank, crops: NDArray[np.uint8], targets: NDArray[np.int32], lengths: NDArray[np.int32],
    settings: Pretraining, progress: Progress,
) -> None:  # fmt: skip
    alignment = nn.Linear(FEATURES, head.classes)
    weights = [*trunk.parameters(), *head.parameters(), *alignment.parameters()]
    optimizer = torch.optim.AdamW(weights, settings.learning_rate, weight_decay=settings.weight_decay)
    for step in range(settings.steps):
        chosen = _chosen(lengths, settings, "crops", step)
        words = trunk(torch.from_numpy(crops[chosen]))
        drawn = batch(words, targets[chosen], lengths[chosen])
        loss = _reading_loss(head, drawn, settings, "crops", step)
        total = loss + settings.connectionist * _connectionist_loss(alignment(words), drawn)
        warm = min(1.0, (step + 1) / _WARM_UP)
        _descend(optimizer, weights, total, warm * rate(step, settings.steps, settings.learning_rate), settings.clip)
        progress("trunk and head", step + 1, settings.steps, float(loss.detach()))


def _train_head(
    head: HeadBank, features: NDArray[np.float16], targets: NDArray[np.int32], lengths: NDArray[np.int32],
    settings: Pretraining, progress: Progress,
) -> None:  # fmt: skip
    weights = list(head.parameters())
    optimizer = torch.optim.AdamW(weights, settings.head_learning_rate, weight_decay=settings.weight_decay)
    for step in range(settings.head_steps):
        chosen = _chosen(lengths, settings, "features", step)
        drawn = batch(torch.from_numpy(features[chosen]).float(), targets[chosen], lengths[chosen])
        loss = _reading_loss(head, drawn, settings, "features", step)
        _descend(optimizer, weights, loss, rate(step, settings.head_steps, settings.head_learning_rate), settings.clip)
        progress("head", step + 1, settings.head_steps, float(loss.detach()))


def _chosen(lengths: NDArray[np.int32], settings: Pretraining, phase: str, step: int) -> NDArray[np.intp]:
    drawn = generator(settings.seed, "pretraining words", phase, step).integers(0, len(lengths), settings.batch)
    return drawn[longest_first(lengths[drawn])]


def _reading_loss(head: HeadBank, drawn: Batch, settings: Pretraining, phase: str, step: int) -> Tensor:
    random = generator(settings.seed, "pretraining word dropout", phase, step)
    hidden = hidden_characters(settings.heads.word_dropout, tuple(drawn.targets.shape), random)  # type: ignore[arg-type]
    weights = word_weights(drawn.words.new_ones(len(drawn.lengths), 1), drawn.lengths).T[:, drawn.owners]
    inputs = drawn.inputs_without([hidden])
    total, _ = head.losses(drawn.words, inputs, drawn.characters, drawn.active, weights, kernels("auto"))
    return total.sum()


def _connectionist_loss(logits: Tensor, drawn: Batch) -> Tensor:
    """CTC over the features' columns; class 0 is its blank, the end class is left out."""
    log_probabilities = logits.log_softmax(-1).transpose(0, 1)
    columns = torch.full((len(logits),), logits.shape[1])
    return F.ctc_loss(log_probabilities, drawn.targets, columns, drawn.lengths - 1, blank=0, zero_infinity=True)


def _descend(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], loss: Tensor, learning_rate: float, clip: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(weights, clip)
    optimizer.step()
