"""Labels as the decoder needs them: padded classes, longest word first."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.model.heads.bank import BEGIN
from raygroup.words.charset import Charset
from raygroup.words.labels import to_visual


def encode_labels(labels: Sequence[str], charset: Charset) -> tuple[NDArray[np.int32], NDArray[np.int32]]:
    """Return the classes of the labels, (w, longest), and their lengths, (w,).

    The end class follows the last character, and zeros follow the end. Lengths count the end.
    Arabic is in visual order. A character outside the charset is class 0, and an empty label is its
    end alone. Labels may have any length here. A word store holds labels of 1 to
    ``words.labels.LONGEST`` characters, and its report counts the others.
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
    """The w words of one step, longest first, and their n characters.

    Characters are ordered by step, and within a step by word.
    """

    words: Tensor
    """Features (w, l, f), planes or crops."""
    targets: Tensor
    """Classes (w, longest)."""
    lengths: Tensor
    """Number of characters of each word with its end, (w,).

    A word without a label has length 0 and takes part in no loss.
    """
    active: tuple[int, ...]
    """Number of words that have a character at each step."""
    characters: Tensor
    """Classes of the characters, (n,)."""
    before: Tensor
    """The class before each of ``targets``, (w, longest). It is ``BEGIN`` before the first."""
    inputs: Tensor
    """The class before each of ``characters``, (n,)."""
    owners: Tensor
    """The word of each character, (n,)."""

    def to(self, device: str) -> "Batch":
        """Return the batch on a device."""
        names = ("words", "targets", "lengths", "characters", "before", "inputs", "owners")
        return replace(self, **{name: getattr(self, name).to(device) for name in names})

    def inputs_without(self, hidden: Sequence[Tensor | None]) -> Tensor:
        """Return the class before each character for several readers.

        The result is (k, n) for k readers. Hidden classes are replaced by ``BEGIN``. Each reader
        has its own mask (w, longest) of hidden characters, or None.
        """
        inputs = [self.inputs if mask is None else self.inputs.masked_fill(in_step_order(mask.to(self.inputs.device), self.active), BEGIN)
                  for mask in hidden]  # fmt: skip
        return torch.stack(inputs)


def longest_first(lengths: NDArray[np.int32]) -> NDArray[np.intp]:
    """Return the order that puts the longest words first.

    Words of equal length stay in the order in which they were drawn.
    """
    return np.argsort(-lengths, kind="stable")


def make_batch(words: Tensor, targets: NDArray[np.int32], lengths: NDArray[np.int32]) -> Batch:
    """Make a step's batch of words that are already longest first."""
    longest = int(lengths[0]) if len(lengths) else 0
    classes = torch.from_numpy(targets[:, :longest].astype(np.int64))
    word_lengths = torch.from_numpy(lengths.astype(np.int64))
    active = tuple(int((word_lengths > step).sum()) for step in range(longest))
    before = torch.nn.functional.pad(classes[:, :-1], (1, 0), value=BEGIN)
    owners = torch.arange(len(word_lengths))[:, None].expand(-1, longest)
    characters, inputs, character_owners = (in_step_order(table, active) for table in (classes, before, owners))
    return Batch(words, classes, word_lengths, active, characters, before, inputs, character_owners)


def in_step_order(table: Tensor, active: Sequence[int]) -> Tensor:
    """Return the entries of a table in the decoder's reading order.

    ``table`` is (w, longest), one entry for each character. Entries after a word's end are left
    out, so the result is (n,).
    """
    return torch.cat([table[:count, step] for step, count in enumerate(active)]) if active else table.reshape(-1)[:0]


def hidden_characters(share: float, shape: tuple[int, int], random: np.random.Generator) -> Tensor | None:
    """Draw the decoder inputs that word dropout hides.

    The mask is (w, longest) bool, the same for every head. It is None if ``share`` is 0.
    """
    return torch.from_numpy(random.random(shape, dtype=np.float32) < share) if share else None
