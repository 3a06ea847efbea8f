"""Labels as the decoder wants them: classes, ended and padded, words sorted so that finished ones drop out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.model.heads.bank import BEGIN, still_reading
from raygroup.words.charset import Charset
from raygroup.words.labels import LONGEST as LONGEST
from raygroup.words.labels import to_visual


def encoded(labels: Sequence[str], charset: Charset) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Classes (w, longest) with the end after the last character and zeros behind it, Arabic in visual order; and lengths (w,) that
    count the end.

    A character outside the charset is class 0, an empty label its end alone. Labels are taken at any length: what enters a word store
    is at most ``LONGEST`` characters long, and the report of the store counts what was longer or empty.
    """
    classes = [charset.encode(to_visual(label)) for label in labels]
    lengths = np.fromiter((len(word) + 1 for word in classes), np.int32, len(classes))
    targets = np.zeros((len(classes), int(lengths.max(initial=1))), np.int32)
    for row, word in enumerate(classes):
        targets[row, : len(word)] = word
        targets[row, len(word)] = charset.num_classes - 1
    return targets, lengths


@dataclass(frozen=True)
class Batch:
    """Words of one step, longest first; characters step by step, those of a step in the order of the words: n in all."""

    words: Tensor
    """Features (w, l, f), planes or crops."""
    targets: Tensor
    """Classes (w, longest)."""
    lengths: Tensor
    """Characters of each word and its end (w,); 0 for a word without a label, which takes part in no loss."""
    active: tuple[int, ...]
    """How many words have a character at each step."""
    characters: Tensor
    """Classes of the characters (n,)."""
    before: Tensor
    """The class before each of ``targets`` (w, longest), ``BEGIN`` before the first."""
    inputs: Tensor
    """The class before each of ``characters`` (n,)."""
    owners: Tensor
    """The word of each (n,)."""

    def to(self, device: str) -> "Batch":
        """The same on a device."""
        names = ("words", "targets", "lengths", "characters", "before", "inputs", "owners")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    def inputs_without(self, hidden: Sequence[Tensor | None]) -> Tensor:
        """The classes before each character for several readers (k, n), each with its own (w, longest) of hidden ones, or None."""
        kept = [self.inputs if mask is None else self.inputs.masked_fill(step_by_step(mask.to(self.inputs.device), self.active), BEGIN)
                for mask in hidden]  # fmt: skip
        return torch.stack(kept)


def longest_first(lengths: NDArray[np.int32]) -> NDArray[np.intp]:
    """The order of a step's words; stable, so that equal lengths keep the order they were drawn in."""
    return np.argsort(-lengths, kind="stable")


def batch(words: Tensor, targets: NDArray[np.int32], lengths: NDArray[np.int32]) -> Batch:
    """A step's batch of words that are already longest first."""
    longest = int(lengths[0]) if len(lengths) else 0
    classes = torch.from_numpy(targets[:, :longest].astype(np.int64))
    counts = torch.from_numpy(lengths.astype(np.int64))
    active = tuple(still_reading(counts))
    before = torch.nn.functional.pad(classes[:, :-1], (1, 0), value=BEGIN)
    owners = torch.arange(len(counts))[:, None].expand(-1, longest)
    characters, inputs, listed = (step_by_step(column, active) for column in (classes, before, owners))
    return Batch(words, classes, counts, active, characters, before, inputs, listed)


def step_by_step(table: Tensor, active: Sequence[int]) -> Tensor:
    """The entries (n,) of a table (w, longest) that words have, in the order in which the decoder comes to them."""
    return torch.cat([table[:count, step] for step, count in enumerate(active)]) if active else table.reshape(-1)[:0]


def hidden_characters(share: float, shape: tuple[int, int], random: np.random.Generator) -> Tensor | None:
    """Which decoder inputs word dropout hides, (w, longest) bool, the same for every head."""
    return torch.from_numpy(random.random(shape, dtype=np.float32) < share) if share else None


def rate(step: int, steps: int, highest: float) -> float:
    """Learning rate of a step (from 0): constant for the first half, then falling linearly to 1 % of itself."""
    return highest * min(1.0, 2 * (1 - step / steps) + 0.01)
