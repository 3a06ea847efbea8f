"""The state of reading: the slots of words and their beams.

Shapes: w words, g heads that have words, s slots of each of these heads, k beams of a word, h
hidden.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from raygroup.model.heads.bank import BEGIN

NO_BEAM = -1.0
"""Score of a beam that does not exist. It is below every product of probabilities."""
COMPACTION_SHARE = 0.75
"""Slots are rearranged once this share of them, or less, would be left."""


@dataclass(frozen=True)
class DecodedWords:
    """The words that were read, in the order of the input."""

    classes: Tensor
    """(w, longest), filled up with the end class."""
    confidence: Tensor
    """Mean probability of a word's characters and its end, (w,)."""
    product: Tensor
    """Probability of the whole word, (w,) float64."""

    @classmethod
    def empty(cls, words: int, longest: int, end: int, device: torch.device) -> "DecodedWords":
        """Return words without characters, to be filled in."""
        classes = torch.full((words, longest), end, device=device)
        return cls(classes, torch.zeros(words, device=device), torch.zeros(words, device=device, dtype=torch.float64))

    def set_words(self, rows: Tensor, words: "DecodedWords") -> None:
        """Fill in the words of these rows."""
        self.classes[rows], self.confidence[rows], self.product[rows] = words.classes, words.confidence, words.product


class Slots:
    """The words of each head side by side, (g, s).

    This way one product serves all words of all heads. Every head has as many slots as the head
    with most words. Attributes are flat, (g * s,).
    """

    def __init__(self, heads: Tensor) -> None:
        """``heads`` (w,) is the head of each word."""
        self.heads, counts = heads.unique(return_counts=True)  # type: ignore[no-untyped-call]
        self.occupied, self.word = _fill_slots(heads.argsort(stable=True), counts)
        self.source = self.word
        """Origin of a slot's content: first a word, later a slot of the arrangement before."""

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.heads), len(self.occupied) // len(self.heads)

    def drop_ended(self, unfinished: Tensor) -> "Slots | None":
        """Return an arrangement of the unfinished slots alone.

        ``unfinished`` is (g * s,) bool. Returns None if fewer than a quarter of the slots would be
        saved.
        """
        counts = unfinished.view(self.shape).sum(1)
        if int((counts > 0).sum()) * int(counts.max()) > COMPACTION_SHARE * len(unfinished):
            return None
        slots = object.__new__(Slots)
        slots.heads = self.heads[counts > 0]
        slots.occupied, slots.source = _fill_slots(unfinished.nonzero().squeeze(1), counts[counts > 0])
        slots.word = self.word[slots.source]
        return slots


def _fill_slots(content: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """Return the occupied slots and the content of each slot.

    Both are (g * s,). ``content`` is listed head by head, ``counts`` (g,) of it for each head.
    Empty slots repeat the first content.
    """
    places = int(counts.max())
    occupied = torch.arange(places, device=content.device) < counts[:, None]
    source = content[0].expand(len(counts), places).masked_scatter(occupied, content)
    return occupied.flatten(), source.flatten()


class Beams:
    """The beams of every slot, best first. A slot starts with one beam."""

    def __init__(self, slots: Slots, hidden: int, like: Tensor, longest: int, end: int) -> None:
        count = len(slots.occupied)
        self.end = end
        self.state = like.new_zeros(count, 1, hidden)
        self.previous = torch.full((count, 1), BEGIN, device=like.device)
        self.classes = torch.full((count, 1, longest), end, device=like.device)
        self.product = torch.ones(count, 1, dtype=torch.float64, device=like.device)
        self.sum = torch.zeros(count, 1, dtype=torch.float64, device=like.device)
        self.ended = ~slots.occupied[:, None]

    def extend(self, best: Tensor, characters: Tensor, step: int) -> None:
        """Extend the beams by one character and keep the best of them.

        ``best`` and ``characters`` (slots, k, width) are the probabilities and classes of the
        likeliest characters of each beam. Every slot keeps ``width`` beams. Beams that have ended
        stay as they are.
        """
        width = best.shape[-1]
        # A beam that has ended is one candidate, with its own product. Its other width - 1
        # candidates do not exist.
        candidates = torch.where(self.ended[..., None], NO_BEAM, self.product[..., None] * best)
        candidates[..., 0] = torch.where(self.ended, self.product, candidates[..., 0])
        ranked, order = candidates.flatten(1).sort(dim=1, descending=True, stable=True)
        self.product, order = ranked[:, :width], order[:, :width]
        # Each new beam continues a parent beam, so everything that belongs to the parent is copied
        # to its place.
        parent, character = order // width, characters.flatten(1).gather(1, order)
        was_ended = self.ended.gather(1, parent)
        self.state = self.state.gather(1, parent[..., None].expand(-1, -1, self.state.shape[-1]))
        self.classes = self.classes.gather(1, parent[..., None].expand(-1, -1, self.classes.shape[-1]))
        self.previous = torch.where(was_ended, self.end, character)
        self.classes[..., step] = self.previous
        self.sum = self.sum.gather(1, parent) + torch.where(was_ended, 0.0, best.flatten(1).gather(1, order))
        self.ended = was_ended | (character == self.end) | (self.product < 0)

    def write(self, decoded: DecodedWords, slots: Slots) -> None:
        """Copy the best beam of each word into its row of ``decoded``."""
        word, classes = slots.word[slots.occupied], self.classes[slots.occupied, 0]
        characters = (classes != self.end).sum(1)
        # The end counts as a character, unless the word was cut off before it.
        num_probabilities = characters + (characters < classes.shape[1])
        decoded.classes[word], decoded.product[word] = classes, self.product[slots.occupied, 0]
        decoded.confidence[word] = (self.sum[slots.occupied, 0] / num_probabilities).to(decoded.confidence.dtype)

    def rearrange(self, slots: Slots) -> "Beams":
        """Return the beams in the order of a new arrangement."""
        beams = object.__new__(Beams)
        beams.end = self.end
        for name in ("state", "previous", "classes", "product", "sum", "ended"):
            setattr(beams, name, getattr(self, name)[slots.source])
        beams.ended |= ~slots.occupied[:, None]
        return beams
