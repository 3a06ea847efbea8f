"""What a training step takes in: words and noise drawn by the step's number, made on the processor, the same in any pack."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, fields, replace
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config import Training, Trial
from raygroup.model.heads.bank import BEGIN
from raygroup.randomness import generator
from raygroup.training.label_batches import batch, hidden_characters, longest_first, step_by_step
from raygroup.training.packs.sharding import WHOLE, Share
from raygroup.training.packs.training_data import Material


@dataclass(frozen=True)
class Inputs:
    """Words of one step, longest first, and the noise of k trials; characters step by step, those of a step in the order of the words."""

    words: Tensor
    """Features as they are stored, (w, l, f) or planes (w, f, y, x)."""
    p_wt: Tensor
    """(w, t)"""
    lengths: Tensor
    """Characters of each word and its end (w,)."""
    characters: Tensor
    """Classes (n,)."""
    inputs: Tensor
    """The classes before them as each trial sees them (k, n), hidden ones as ``BEGIN``."""
    owners: Tensor
    """The word of each character (n,)."""
    noise: Tensor
    """Gumbel noise (k, 1, t, m), or (k, w, t, m) where every word has its own draw."""
    counted: Tensor | None
    """1 for a character, 0 for what fills a batch of fixed shape (n,); None where there is none of it."""
    active: tuple[int, ...]
    """How many words each decoder step reads."""
    first: bool
    """Whether what depends on no word is counted with these words."""

    def to(self, device: str, dtype: torch.dtype = torch.float32) -> "Inputs":
        """On a device, numbers of single precision as ``dtype``; the words stay as they are stored."""
        return self._with(lambda tensor: tensor.to(device, dtype if tensor.dtype == torch.float32 else None, non_blocking=True))

    def clone(self) -> "Inputs":
        return self._with(Tensor.clone)

    def copy_from(self, other: "Inputs") -> None:
        """Takes over the numbers of inputs of the same shape, in place."""
        theirs = other._tensors()
        for name, tensor in self._tensors().items():
            tensor.copy_(theirs[name])

    def _with(self, change: Callable[[Tensor], Tensor]) -> "Inputs":
        changed: dict[str, Any] = {name: change(tensor) for name, tensor in self._tensors().items()}
        return replace(self, **changed)

    def _tensors(self) -> dict[str, Tensor]:
        values = {field.name: getattr(self, field.name) for field in fields(self)}
        return {name: value for name, value in values.items() if isinstance(value, Tensor)}


def drawn(material: Material, trials: Sequence[Trial], step: int, rounded_to: int | None = None, share: Share = WHOLE) -> Inputs:
    """The inputs of a step (from 0) of these trials, which share their words: those of a ``share`` of the step's words, of which it may
    have none. Words, noise and what is hidden are drawn for the whole step first, so that they do not depend on how it is shared out.

    With ``rounded_to`` the batch has a fixed shape: every word takes part in every decoder step, and their number is rounded up to a
    multiple of it; characters beyond a word's end do not count.
    """
    all_rows = _rows(material, trials[0].training, step)
    all_rows = all_rows[longest_first(material.lengths[all_rows])]
    rows = all_rows[share.rows]
    made = batch(torch.from_numpy(material.features.rows(rows)), material.targets[rows], material.lengths[rows])
    hidden = _hidden(trials, (len(all_rows), int(material.lengths[all_rows[0]])), step)
    longest = made.before.shape[1]
    before = torch.stack([made.before.masked_fill(mask[share.rows, :longest], BEGIN) for mask in hidden])
    found = Inputs(
        words=made.words, p_wt=torch.from_numpy(material.p_wt[rows]), lengths=made.lengths, characters=made.characters,
        inputs=torch.stack([step_by_step(table, made.active) for table in before]), owners=made.owners,
        noise=_noise(trials, len(material.tasks), len(all_rows), step, share), counted=None, active=made.active, first=share.first,
    )  # fmt: skip
    return found if rounded_to is None else _filled_up(found, made.targets, before, rounded_to)


def _rows(material: Material, training: Training, step: int) -> NDArray[np.intp]:
    if material.mixed is not None:
        return material.mixed.drawn(training.order_seed, step, training.batch)
    numbers = generator(training.order_seed, "words", step).integers(0, len(material.train), training.batch)
    return material.train[numbers]


def _filled_up(found: Inputs, targets: Tensor, before: Tensor, rounded_to: int) -> Inputs:
    words, longest = targets.shape
    steps = -(-longest // rounded_to) * rounded_to
    fill = (0, steps - longest)
    counted = torch.arange(steps)[:, None] < found.lengths
    return replace(
        found, characters=torch.nn.functional.pad(targets, fill).T.flatten(),
        inputs=torch.nn.functional.pad(before, fill).transpose(1, 2).flatten(1), owners=torch.arange(words).repeat(steps),
        counted=counted.flatten().float(), active=(words,) * steps,
    )  # fmt: skip


def _hidden(trials: Sequence[Trial], shape: Sequence[int], step: int) -> list[Tensor]:
    """The decoder's input characters that each trial hides, (w, longest) bool."""
    found = []
    for trial in trials:
        random = generator(trial.seed, "word dropout", step)
        mask = hidden_characters(trial.heads.word_dropout, (shape[0], shape[1]), random)
        found.append(torch.zeros(*shape, dtype=torch.bool) if mask is None else mask)
    return found


def _noise(trials: Sequence[Trial], tasks: int, words: int, step: int, share: Share) -> Tensor:
    """Each trial's own Gumbel draws, zeros beyond its heads: those of its words, of the step's ``words``, where each has its own."""
    each = words if trials[0].grouping.sample == "word" else 1
    found: NDArray[np.float32] = np.zeros((len(trials), each, tasks, max(trial.heads.count for trial in trials)), np.float32)
    if trials[0].grouping.method == "gumbel":
        for number, trial in enumerate(trials):
            shape = (each, tasks, trial.heads.count)
            found[number, :, :, : trial.heads.count] = generator(trial.seed, "gumbel", step).gumbel(size=shape)
    return torch.from_numpy(found[:, share.rows] if trials[0].grouping.sample == "word" else found)
