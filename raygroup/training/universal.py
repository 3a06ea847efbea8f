"""Stage 1 on a laptop: train the trunk and the universal head.

First both are trained together on crops. Then the trunk is frozen, and the head is trained alone on
its features.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

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
from raygroup.training.label_batches import Batch, encode_labels, hidden_characters, longest_first, make_batch
from raygroup.training.schedule import learning_rate_at
from raygroup.training.universal_state import NoKeeper, StateKeeper, restore_modules, restore_optimizer, state_tensors
from raygroup.training.universal_weights import UniversalModel
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset

LossCallback = Callable[[str, int, int, float], None]
"""Gets (phase, step, steps, loss) after every step."""
_WARM_UP_STEPS = 200


@dataclass(frozen=True)
class _Labelled:
    """The inputs of a phase, with their labels. A row is one word."""

    inputs: NDArray[Any]
    """Crops, or features."""
    targets: NDArray[np.int32]
    lengths: NDArray[np.int32]


def train_universal(
    crops: NDArray[np.uint8], labels: Sequence[str], charset: Charset, settings: Pretraining, progress: LossCallback,
    keeper: StateKeeper | None = None,
) -> UniversalModel:  # fmt: skip
    """Train a trunk and its universal head on labelled crops.

    Crops are (n, 32, 96). The result is the same for the same settings and number of threads. With a
    ``keeper``, the training continues from the state that it kept, with the same result. It counts
    the steps of both phases together.
    """
    keeper = keeper or NoKeeper()
    torch.manual_seed(settings.seed)
    trunk = Trunk().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = HeadBank(
        1, charset.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=settings.heads.embed, hidden=settings.heads.hidden
    )
    head.initialise(0, torch.Generator().manual_seed(settings.seed))
    targets, lengths = encode_labels(labels, charset)

    step, state = keeper.restored()
    if step < settings.steps:
        _train_both(trunk, head, _Labelled(crops, targets, lengths), settings, progress, keeper, step, state)
        step, state = settings.steps, {}
    elif state:
        restore_modules({"trunk": trunk, "head": head}, state)
    trunk.eval().requires_grad_(False)
    features = _Labelled(extract_features(trunk, crops), targets, lengths)
    _train_head(trunk, head, features, settings, progress, keeper, step - settings.steps, state)
    return UniversalModel(trunk, head.requires_grad_(False), charset)


def _train_both(
    trunk: Trunk, head: HeadBank, words: _Labelled, settings: Pretraining, progress: LossCallback, keeper: StateKeeper,
    first_step: int, state: Mapping[str, Tensor],
) -> None:  # fmt: skip
    """Train trunk and head on crops. An auxiliary CTC loss aligns the features early."""
    alignment = nn.Linear(FEATURES, head.classes)
    modules = {"trunk": trunk, "head": head, "alignment": alignment}
    weights = [*trunk.parameters(), *head.parameters(), *alignment.parameters()]
    optimizer = torch.optim.AdamW(weights, settings.learning_rate, weight_decay=settings.weight_decay)
    if first_step:
        restore_modules(modules, state)
        restore_optimizer(optimizer, state)
    for step in range(first_step, settings.steps):
        rows = _draw_words(words.lengths, settings, "crops", step)
        read = trunk(torch.from_numpy(words.inputs[rows]))
        batch = make_batch(read, words.targets[rows], words.lengths[rows])
        loss = _reading_loss(head, batch, settings, "crops", step)
        total = loss + settings.connectionist * _connectionist_loss(alignment(read), batch)
        warm_up = min(1.0, (step + 1) / _WARM_UP_STEPS)
        learning_rate = warm_up * learning_rate_at(step, settings.steps, settings.learning_rate)
        _take_step(optimizer, weights, total, learning_rate, settings.clip)
        if keeper.is_due(step + 1):
            keeper.keep(step + 1, state_tensors(modules, optimizer))
        progress("trunk and head", step + 1, settings.steps, float(loss.detach()))


def _train_head(
    trunk: Trunk, head: HeadBank, words: _Labelled, settings: Pretraining, progress: LossCallback, keeper: StateKeeper,
    first_step: int, state: Mapping[str, Tensor],
) -> None:  # fmt: skip
    weights = list(head.parameters())
    optimizer = torch.optim.AdamW(weights, settings.head_learning_rate, weight_decay=settings.weight_decay)
    if first_step:
        restore_optimizer(optimizer, state)
    for step in range(first_step, settings.head_steps):
        rows = _draw_words(words.lengths, settings, "features", step)
        batch = make_batch(torch.from_numpy(words.inputs[rows]).float(), words.targets[rows], words.lengths[rows])
        loss = _reading_loss(head, batch, settings, "features", step)
        _take_step(optimizer, weights, loss, learning_rate_at(step, settings.head_steps, settings.head_learning_rate), settings.clip)
        if keeper.is_due(settings.steps + step + 1):
            keeper.keep(settings.steps + step + 1, state_tensors({"trunk": trunk, "head": head}, optimizer))
        progress("head", step + 1, settings.head_steps, float(loss.detach()))


def _draw_words(lengths: NDArray[np.int32], settings: Pretraining, phase: str, step: int) -> NDArray[np.intp]:
    rows = generator(settings.seed, "pretraining words", phase, step).integers(0, len(lengths), settings.batch)
    return rows[longest_first(lengths[rows])]


def _reading_loss(head: HeadBank, batch: Batch, settings: Pretraining, phase: str, step: int) -> Tensor:
    """Return the head's mean loss over the words of a batch.

    A word's loss is the mean over its characters.
    """
    random = generator(settings.seed, "pretraining word dropout", phase, step)
    hidden = hidden_characters(settings.heads.word_dropout, tuple(batch.targets.shape), random)  # type: ignore[arg-type]
    weights = word_weights(batch.words.new_ones(len(batch.lengths), 1), batch.lengths).T[:, batch.owners]
    inputs = batch.inputs_without([hidden])
    total, _ = head.losses(batch.words, inputs, batch.characters, batch.active, weights, choose_kernels("auto"))
    return total.sum()


def _connectionist_loss(logits: Tensor, batch: Batch) -> Tensor:
    """Return the CTC loss over the columns of the features.

    Class 0 is the blank, and the end class is left out.
    """
    log_probabilities = logits.log_softmax(-1).transpose(0, 1)
    columns = torch.full((len(logits),), logits.shape[1])
    return F.ctc_loss(log_probabilities, batch.targets, columns, batch.lengths - 1, blank=0, zero_infinity=True)


def _take_step(optimizer: torch.optim.Optimizer, weights: Sequence[Tensor], loss: Tensor, learning_rate: float, clip: float) -> None:
    for group in optimizer.param_groups:
        group["lr"] = learning_rate
    optimizer.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(weights, clip)
    optimizer.step()
