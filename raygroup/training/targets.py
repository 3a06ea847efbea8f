"""Labels as the decoder wants them: classes, ended and padded, words sorted so that finished ones drop out."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.model.heads import still_reading
from raygroup.words.charset import Charset
from raygroup.words.labels import LONGEST as LONGEST
from raygroup.words.labels import to_visual


def encoded(labels: Sequence[str], charset: Charset) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Classes (w, longest) with the end after the last character and zeros behind it, Arabic in visual order; and lengths (w,) that
    count the end."""
    classes = [charset.encode(to_visual(label)) for label in labels]
    lengths = np.fromiter((len(word) + 1 for word in classes), np.int32, len(classes))
    targets = np.zeros((len(classes), int(lengths.max(initial=1))), np.int32)
    for row, word in enumerate(classes):
        targets[row, : len(word)] = word
        targets[row, len(word)] = charset.num_classes - 1
    return targets, lengths


@dataclass(frozen=True)
class Batch:
    """Words of one step, longest first."""

    words: Tensor
    """Features (w, l, f) or crops."""
    targets: Tensor
    lengths: Tensor
    characters: Tensor
    """Classes of all characters, step by step: (n,)."""
    owners: Tensor
    """The word of each character, (n,)."""

    def to(self, device: str) -> "Batch":
        """The same on a device, but for the lengths, which the decoder's loop reads on the processor."""
        moved = {name: getattr(self, name).to(device) for name in ("words", "targets", "characters", "owners")}
        return replace(self, **moved)


def longest_first(lengths: NDArray[np.int32]) -> NDArray[np.intp]:
    """The order of a step's words; stable, so that equal lengths keep the order they were drawn in."""
    return np.argsort(-lengths, kind="stable")


def batch(words: Tensor, targets: NDArray[np.int32], lengths: NDArray[np.int32]) -> Batch:
    """A step's batch of words that are already longest first."""
    longest = int(lengths[0]) if len(lengths) else 0
    classes = torch.from_numpy(targets[:, :longest].astype(np.int64))
    counts = torch.from_numpy(lengths.astype(np.int64))
    active = still_reading(counts)
    characters = torch.cat([classes[:count, step] for step, count in enumerate(active)]) if active else classes.flatten()
    owners = torch.cat([torch.arange(count) for count in active]) if active else classes.flatten()
    return Batch(words, classes, counts, characters, owners)


def hidden_characters(share: float, shape: tuple[int, int], random: np.random.Generator) -> Tensor | None:
    """Which decoder inputs word dropout hides, (w, longest) bool, the same for every head."""
    return torch.from_numpy(random.random(shape, dtype=np.float32) < share) if share else None


def rate(step: int, steps: int, highest: float) -> float:
    """Learning rate of a step (from 0): constant for the first half, then falling linearly to 1 % of itself."""
    return highest * min(1.0, 2 * (1 - step / steps) + 0.01)
