"""Stage 1 on a laptop: train the trunk and the universal head.

They start from nothing or from other weights. First both are trained together on crops. Then the
trunk is frozen, and the head is trained alone on its features.
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
from raygroup.training.held_out import HeldOutCurve
from raygroup.training.label_batches import Batch, encode_labels, hidden_characters, longest_first, make_batch
from raygroup.training.schedule import learning_rate_at
from raygroup.training.universal_state import NoKeeper, StateKeeper, restore_modules, restore_optimizer, state_tensors
from raygroup.training.universal_weights import UniversalModel, copy_universal
from raygroup.trunks import FEATURE_GRID, FEATURES
from raygroup.words.charset import Charset
from raygroup.words.crop_jitter import move_edges

LossCallback = Callable[[str, int, int, float], None]
"""Gets (phase, step, steps, loss) after every step. The phase ``features`` counts crops between the other two and has no loss."""
_WARM_UP_STEPS = 200


@dataclass(frozen=True)
class _Labelled:
    """The inputs of a phase, with their labels. A row is one word."""

    inputs: NDArray[Any]
    """Crops, or features."""
    targets: NDArray[np.int32]
    lengths: NDArray[np.int32]
    groups: "_Groups"


@dataclass(frozen=True)
class _Groups:
    """The groups of words that a step draws from."""

    rows: tuple[NDArray[np.intp], ...]
    """The rows of each task, if a step draws tasks. A single group holds all rows otherwise."""
    shares: NDArray[np.float64]
    """The probability of each group."""


def train_universal(
    crops: NDArray[np.uint8], labels: Sequence[str], charset: Charset, settings: Pretraining, progress: LossCallback,
    keeper: StateKeeper | None = None, start: UniversalModel | None = None, held_out: HeldOutCurve | None = None,
    tasks: Sequence[str] = (),
) -> UniversalModel:  # fmt: skip
    """Train a trunk and its universal head on labelled crops.

    Crops are (n, 32, 96). The result is the same for the same settings and number of threads. With a
    ``keeper``, the training continues from the state that it kept, with the same result. It counts
    the steps of both phases together. With ``start``, both begin with its weights, and characters
    that it does not know begin at random. ``held_out`` measures the loss now and then. ``tasks`` has the task of
    each word, which ``settings.draw`` may need.

    Raises ConfigError if the head of ``start`` has another size than the settings.
    """
    keeper = keeper or NoKeeper()
    curve = held_out or HeldOutCurve(crops[:0], (), (), charset)
    torch.manual_seed(settings.seed)
    trunk = Trunk().to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    head = HeadBank(
        1, charset.num_classes, features=FEATURES, positions=FEATURE_GRID, embed=settings.heads.embed, hidden=settings.heads.hidden
    )
    head.initialise(0, torch.Generator().manual_seed(settings.seed))
    if start is not None:
        trunk.load_state_dict(start.trunk.state_dict())
        copy_universal(head, [0], start, charset)
    targets, lengths = encode_labels(labels, charset)
    groups = _groups(labels, tasks if settings.draw == "task" else ("",) * len(labels), start, settings.new_task_weight)

    step, state = keeper.restored()
    curve.restore(state)
    if step < settings.steps:
        _train_both(trunk, head, _Labelled(crops, targets, lengths, groups), settings, _Watch(progress, keeper, curve), step, state)
        step, state = settings.steps, {}
    elif state:
        restore_modules({"trunk": trunk, "head": head}, state)
    trunk.eval().requires_grad_(False)
    features = _Labelled(extract_features(trunk, crops, lambda done: progress("features", done, len(crops), 0.0)), targets, lengths, groups)
    _train_head(trunk, head, features, settings, _Watch(progress, keeper, curve), step - settings.steps, state)
    return UniversalModel(trunk, head.requires_grad_(False), charset)


@dataclass(frozen=True)
class _Watch:
    """All that follows a training step."""

    progress: LossCallback
    keeper: StateKeeper
    curve: HeldOutCurve


def _train_both(
    trunk: Trunk, head: HeadBank, words: _Labelled, settings: Pretraining, watch: _Watch, first_step: int, state: Mapping[str, Tensor]
) -> None:
    """Train trunk and head on crops. An auxiliary CTC loss aligns the features early."""
    alignment = nn.Linear(FEATURES, head.classes)
    modules = {"trunk": trunk, "head": head, "alignment": alignment}
    weights = [*trunk.parameters(), *head.parameters(), *alignment.parameters()]
    optimizer = torch.optim.AdamW(weights, settings.learning_rate, weight_decay=settings.weight_decay)
    if first_step:
        restore_modules(modules, state)
        restore_optimizer(optimizer, state)
    for step in range(first_step, settings.steps):
        rows = _draw_words(words, settings, "crops", step)
        crops = move_edges(words.inputs[rows], settings.jitter, generator(settings.seed, "pretraining crops", step))
        read = trunk(torch.from_numpy(crops))
        batch = make_batch(read, words.targets[rows], words.lengths[rows])
        loss = _reading_loss(head, batch, settings, "crops", step)
        total = loss + settings.connectionist * _connectionist_loss(alignment(read), batch)
        warm_up = min(1.0, (step + 1) / _WARM_UP_STEPS)
        learning_rate = warm_up * learning_rate_at(step, settings.steps, settings.learning_rate)
        _take_step(optimizer, weights, total, learning_rate, settings.clip)
        if watch.curve.is_due(step + 1, settings.steps):
            watch.curve.measure(step + 1, trunk, head)
        if watch.keeper.is_due(step + 1):
            watch.keeper.keep(step + 1, state_tensors(modules, optimizer) | watch.curve.state())
        watch.progress("trunk and head", step + 1, settings.steps, float(loss.detach()))


def _train_head(
    trunk: Trunk, head: HeadBank, words: _Labelled, settings: Pretraining, watch: _Watch, first_step: int, state: Mapping[str, Tensor]
) -> None:
    weights = list(head.parameters())
    optimizer = torch.optim.AdamW(weights, settings.head_learning_rate, weight_decay=settings.weight_decay)
    if first_step:
        restore_optimizer(optimizer, state)
    for step in range(first_step, settings.head_steps):
        rows = _draw_words(words, settings, "features", step)
        batch = make_batch(torch.from_numpy(words.inputs[rows]).float(), words.targets[rows], words.lengths[rows])
        loss = _reading_loss(head, batch, settings, "features", step)
        _take_step(optimizer, weights, loss, learning_rate_at(step, settings.head_steps, settings.head_learning_rate), settings.clip)
        if watch.curve.is_due(step + 1, settings.head_steps):
            watch.curve.measure(settings.steps + step + 1, trunk, head)
        if watch.keeper.is_due(settings.steps + step + 1):
            watch.keeper.keep(settings.steps + step + 1, state_tensors({"trunk": trunk, "head": head}, optimizer) | watch.curve.state())
        watch.progress("head", step + 1, settings.head_steps, float(loss.detach()))


def _groups(labels: Sequence[str], tasks: Sequence[str], start: UniversalModel | None, new_task_weight: float) -> _Groups:
    """Group the words by task. A task weighs more if ``start`` knows fewer than half of its characters."""
    names = np.array(tasks)
    rows = tuple(np.flatnonzero(names == name) for name in dict.fromkeys(tasks))
    known = set(start.charset.characters) if start else set()
    characters = [set().union(*(labels[int(row)] for row in group)) for group in rows]
    weights = np.array([new_task_weight if start and 2 * len(each & known) < len(each) else 1.0 for each in characters])
    return _Groups(rows, weights / weights.sum())


def _draw_words(words: _Labelled, settings: Pretraining, phase: str, step: int) -> NDArray[np.intp]:
    random = generator(settings.seed, "pretraining words", phase, step)
    if len(words.groups.rows) > 1:
        drawn = random.choice(len(words.groups.rows), settings.batch, p=words.groups.shares)
        rows = np.array([random.choice(words.groups.rows[group]) for group in drawn])
    else:
        rows = random.integers(0, len(words.lengths), settings.batch)
    return rows[longest_first(words.lengths[rows])]


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
