"""The heads that read each word of a step, if they are drawn.

With ``grouping.heads_per_word``, each word is read by some of the heads only. So the cost of a step
does not grow with the number of heads. Every (word, head) pair has the same probability,
``heads_per_word / heads.count``, and the weights of Eq. (8) are divided by it. The loss and its
gradients, by the heads and by R_TM, then are those of all heads on average.

Shapes: k trials, w words, s heads a word, m heads of a trial, h heads of all trials side by side, r
words that a head reads, n characters of a head.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from raygroup.config import Trial
from raygroup.randomness import generator


class SampledHeads(NamedTuple):
    """The fields of ``StepInputs`` that differ if heads are drawn.

    A head reads its words longest first. The head that reads fewest is padded to the r words of the
    others, and characters are padded to the longest word in the same place of any head.
    """

    own_words: Tensor
    """The word in each place of each head, (r, h). Padding is word 0."""
    num_read: Tensor
    """How many words of the whole step each head reads, (k, m)."""
    characters: Tensor
    """(h, n)"""
    inputs: Tensor
    """(h, n)"""
    owners: Tensor
    """(h, n)"""
    counted: Tensor
    """(h, n)"""
    active: tuple[int, ...]


def draw_readers(trial: Trial, num_words: int, step: int) -> NDArray[np.intp]:
    """Draw the heads that read each word of a step, (w, s). The heads of a word are distinct.

    Shuffled heads are dealt to the words in turn, again and again. So the numbers of words that any
    two heads read differ by at most one. Words are longest first, so all heads read words of about
    the same lengths.
    """
    random, count, per_word = generator(trial.seed, "heads of words", step), trial.heads.count, trial.grouping.heads_per_word
    dealt = np.empty(0, np.intp)
    while len(dealt) < num_words * per_word:
        shuffled = random.permutation(count)
        # A word whose heads come from two rounds must not get one of them twice.
        begun = dealt[len(dealt) - len(dealt) % per_word :]
        dealt = np.concatenate([dealt, shuffled[np.argsort(np.isin(shuffled, begun), kind="stable")]])
    return dealt[: num_words * per_word].reshape(num_words, per_word)


def sampled_heads(
    trials: Sequence[Trial], readers: Sequence[NDArray[np.intp]], rows: slice, targets: Tensor, before: Tensor, lengths: Tensor,
    rounded_to: int | None = None,
) -> SampledHeads:  # fmt: skip
    """Arrange the words of a share by the heads that read them.

    ``readers`` are those of each trial for the whole step, and ``rows`` the words of the share.
    ``targets`` (w, longest), ``before`` (k, w, longest) and ``lengths`` (w,) are of the share's
    words, longest first. With ``rounded_to``, the batch has a fixed shape, as in ``draw_inputs``.
    """
    count = trials[0].heads.count
    places = [_places(heads[rows], count) for heads in readers]
    most = max(len(place) for place in places)
    own_words = np.concatenate([np.pad(place, ((0, most - len(place)), (0, 0)), constant_values=-1) for place in places], 1)
    words = torch.from_numpy(own_words.clip(min=0))
    own_lengths = torch.from_numpy(own_words >= 0) * (lengths[words] if len(lengths) else 0)
    longest_at = own_lengths.amax(1)
    steps = int(longest_at.max()) if most else 0
    active = tuple(int((longest_at > step).sum()) for step in range(steps))
    if rounded_to is not None:
        steps = -(-steps // rounded_to) * rounded_to
        active = (most,) * steps
        targets, before = (torch.nn.functional.pad(table, (0, steps - table.shape[-1])) for table in (targets, before))
    trial_of_head = torch.arange(len(trials)).repeat_interleave(count)
    tables = targets[words], before[trial_of_head, words], words[..., None].expand(-1, -1, steps)
    counted = torch.arange(steps) < own_lengths[..., None]
    num_read = torch.from_numpy(np.stack([np.bincount(heads.ravel(), minlength=count) for heads in readers]))
    characters, inputs, owners, is_counted = (_by_head(table, active) for table in (*tables, counted))
    return SampledHeads(words, num_read.float(), characters, inputs, owners, is_counted.float(), active)


def _places(readers: NDArray[np.intp], count: int) -> NDArray[np.intp]:
    """Return the word in each place of each head, (r, m), and -1 in places that are empty."""
    heads, words = readers.ravel(), np.repeat(np.arange(len(readers)), readers.shape[1])
    order = np.argsort(heads, kind="stable")
    numbers = np.bincount(heads, minlength=count)
    places = np.full((int(numbers.max(initial=0)), count), -1)
    place = np.arange(len(heads)) - np.repeat(numbers.cumsum() - numbers, numbers)
    places[place, heads[order]] = words[order]
    return places


def _by_head(table: Tensor, active: Sequence[int]) -> Tensor:
    """Return the entries of a table (r, h, longest) in the decoder's reading order, (h, n)."""
    rows = [table[:count, :, step] for step, count in enumerate(active)]
    return torch.cat(rows).T.contiguous() if rows else table.new_zeros(table.shape[1], 0)
