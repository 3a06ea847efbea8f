"""The inputs of a training step: its words and its noise.

Generators are keyed by the step. Inputs are drawn on the CPU, so they are the same on any device
and in any pack.

Shapes: k trials, w words, t tasks, m heads of the largest trial, n characters.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config import Trial
from raygroup.model.heads.bank import BEGIN
from raygroup.randomness import generator
from raygroup.training.label_batches import hidden_characters, in_step_order, longest_first, make_batch
from raygroup.training.packs.sampled_heads import draw_readers, sampled_heads
from raygroup.training.packs.sharding import WHOLE_BATCH, Share
from raygroup.training.packs.training_data import TrainingData


@dataclass(frozen=True)
class StepInputs:
    """The words of one step and the noise of each trial.

    Words are longest first. Characters are ordered by decoder step, and within a step by word.
    """

    words: Tensor
    """Features as they are stored, (w, l, f) or planes (w, f, y, x)."""
    p_wt: Tensor
    """(w, t)"""
    lengths: Tensor
    """Number of characters of each word with its end, (w,)."""
    characters: Tensor
    """Classes, (n,)."""
    inputs: Tensor
    """The class before each character, (k, n). Characters that a trial hides are ``BEGIN``."""
    owners: Tensor
    """The word of each character, (n,)."""
    noise: Tensor
    """Gumbel noise (k, 1, t, m), or (k, w, t, m) if every word has its own draw."""
    counted: Tensor | None
    """1 for a character and 0 for padding, (n,). None if the batch has no padding."""
    active: tuple[int, ...]
    """Number of words that each decoder step reads."""
    is_first: bool
    """Whether these words carry the losses that do not depend on words."""
    own_words: Tensor | None = None
    """The words that each head reads, (r, heads). None if every head reads all words.

    Then characters, inputs, owners and counted have a row for each head, as ``SampledHeads`` says.
    """
    num_read: Tensor | None = None
    """How many words of the whole step each head reads, (k, m). None if every head reads all words."""

    def to(self, device: str, dtype: torch.dtype = torch.float32) -> "StepInputs":
        """Return the inputs on a device, with float32 tensors converted to ``dtype``.

        Words stay as they are stored.
        """
        return self._map(lambda tensor: tensor.to(device, dtype if tensor.dtype == torch.float32 else None, non_blocking=True))

    def clone(self) -> "StepInputs":
        return self._map(Tensor.clone)

    def copy_from(self, other: "StepInputs") -> None:
        """Copy the values of other inputs of the same shape, in place."""
        sources = other._tensors()
        for name, tensor in self._tensors().items():
            tensor.copy_(sources[name])

    def _map(self, change: Callable[[Tensor], Tensor]) -> "StepInputs":
        changed: dict[str, Any] = {name: change(tensor) for name, tensor in self._tensors().items()}
        return replace(self, **changed)

    def _tensors(self) -> dict[str, Tensor]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}


def draw_inputs(
    data: TrainingData, trials: Sequence[Trial], step: int, rounded_to: int | None = None, share: Share = WHOLE_BATCH
) -> StepInputs:
    """Draw the inputs of a step for the trials of a pack.

    Steps count from 0. ``share`` selects some of the step's words, possibly none. Words, noise and
    hidden characters are drawn for the whole step first, so they do not depend on the share. With
    ``rounded_to``, the batch has a fixed shape: all words take part in every decoder step, and the
    number of steps is rounded up to a multiple of it.
    """
    return make_inputs(data, trials, _draw_rows(data, trials[0], step), step, rounded_to, share)


def make_inputs(
    data: TrainingData, trials: Sequence[Trial], drawn_rows: NDArray[np.intp], step: int, rounded_to: int | None = None,
    share: Share = WHOLE_BATCH, dropout: str = "word dropout",
) -> StepInputs:  # fmt: skip
    """Return the inputs of a step with these rows. ``dropout`` names the draw of hidden characters. Else as ``draw_inputs``."""
    all_rows = drawn_rows[longest_first(data.lengths[drawn_rows])]
    rows = all_rows[share.rows]
    batch = make_batch(torch.from_numpy(data.features.rows(rows)), data.targets[rows], data.lengths[rows])
    hidden = _draw_hidden(trials, (len(all_rows), int(data.lengths[all_rows[0]])), step, dropout)
    longest = batch.before.shape[1]
    before = torch.stack([batch.before.masked_fill(mask[share.rows, :longest], BEGIN) for mask in hidden])
    inputs = StepInputs(
        words=batch.words, p_wt=torch.from_numpy(data.p_wt[rows]), lengths=batch.lengths, characters=batch.characters,
        inputs=torch.stack([in_step_order(table, batch.active) for table in before]), owners=batch.owners,
        noise=_draw_noise(trials, len(data.tasks), len(all_rows), step, share), counted=None, active=batch.active,
        is_first=share.is_first,
    )  # fmt: skip
    if trials[0].grouping.heads_per_word:
        readers = [draw_readers(trial, len(all_rows), step) for trial in trials]
        sampled = sampled_heads(trials, readers, share.rows, batch.targets, before, batch.lengths, rounded_to)
        return replace(inputs, **sampled._asdict())
    return inputs if rounded_to is None else _pad_steps(inputs, batch.targets, before, rounded_to)


def _draw_rows(data: TrainingData, trial: Trial, step: int) -> NDArray[np.intp]:
    """Draw the rows of a step. ``trial`` is any trial of the pack, since they share their order of words."""
    seed, batch = trial.order_seed, trial.training.batch
    if data.mixed is not None:
        return data.mixed.draw_rows(seed, step, batch)
    random = generator(seed, "words", step)
    if trial.training.draw == "task":
        groups = data.train_by_task
        tasks = random.integers(0, len(groups), batch)
        numbers = random.integers(0, np.array([len(group) for group in groups])[tasks])
        return np.array([groups[task][number] for task, number in zip(tasks, numbers, strict=True)])
    return data.train[random.integers(0, len(data.train), batch)]


def _pad_steps(inputs: StepInputs, targets: Tensor, before: Tensor, rounded_to: int) -> StepInputs:
    """Give every word the same number of characters, a multiple of ``rounded_to``.

    ``targets`` is (w, longest) and ``before`` (k, w, longest).
    """
    words, longest = targets.shape
    steps = -(-longest // rounded_to) * rounded_to
    padding = (0, steps - longest)
    counted = torch.arange(steps)[:, None] < inputs.lengths
    return replace(
        inputs, characters=torch.nn.functional.pad(targets, padding).T.flatten(),
        inputs=torch.nn.functional.pad(before, padding).transpose(1, 2).flatten(1), owners=torch.arange(words).repeat(steps),
        counted=counted.flatten().float(), active=(words,) * steps,
    )  # fmt: skip


def _draw_hidden(trials: Sequence[Trial], shape: tuple[int, int], step: int, purpose: str) -> list[Tensor]:
    """Draw the decoder inputs that each trial hides, (w, longest) bool."""
    masks = []
    for trial in trials:
        random = generator(trial.seed, purpose, step)
        mask = hidden_characters(trial.heads.word_dropout, shape, random)
        masks.append(torch.zeros(*shape, dtype=torch.bool) if mask is None else mask)
    return masks


def _draw_noise(trials: Sequence[Trial], tasks: int, words: int, step: int, share: Share) -> Tensor:
    """Draw the Gumbel noise of each trial.

    Heads that a trial lacks get zeros. If every word has its own draw, the draws are for all
    ``words`` of the step, and those of the share are returned.
    """
    own_draws = trials[0].grouping.sample == "word"
    draws = words if own_draws else 1
    noise: NDArray[np.float32] = np.zeros((len(trials), draws, tasks, max(trial.heads.count for trial in trials)), np.float32)
    if trials[0].grouping.method == "gumbel":
        for number, trial in enumerate(trials):
            shape = (draws, tasks, trial.heads.count)
            noise[number, :, :, : trial.heads.count] = generator(trial.seed, "gumbel", step).gumbel(size=shape)
    return torch.from_numpy(noise[:, share.rows] if own_draws else noise)
