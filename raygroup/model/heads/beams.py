"""The bookkeeping of reading: which word stands where, and how far each of its beams has come.

Shapes: w words, g heads that have words, s slots for words at each of them, k beams of a word, h hidden.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from raygroup.model.heads.bank import BEGIN

ABSENT = -1.0
"""Rank of a beam that is none: below every product of probabilities."""
WORTH = 0.75
"""Words that have ended are dropped when no more than this share of the slots would be left."""


@dataclass(frozen=True)
class Read:
    """What was read, in the order of the words."""

    classes: Tensor
    """(w, longest), filled up with the end class."""
    confidence: Tensor
    """(w,): mean probability of a word's characters and its end."""
    product: Tensor
    """(w,) float64: the probability of the whole word."""

    @classmethod
    def nothing(cls, words: int, longest: int, end: int, device: torch.device) -> "Read":
        classes = torch.full((words, longest), end, device=device)
        return cls(classes, torch.zeros(words, device=device), torch.zeros(words, device=device, dtype=torch.float64))


class Slots:
    """Words side by side for each head that has any, (g, s), so that a product serves all words of all heads; flat where not said."""

    def __init__(self, heads: Tensor) -> None:
        self.heads, counts = heads.unique(return_counts=True)  # type: ignore[no-untyped-call]
        self.taken, self.word = _placed(heads.argsort(stable=True), counts)
        self.source = self.word
        """Where each slot's content came from: a word, or a slot of the arrangement before."""

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.heads), len(self.taken) // len(self.heads)

    def without_ended(self, going: Tensor) -> "Slots | None":
        """An arrangement of the words still read, or None while that would not save a quarter of the work."""
        counts = going.view(self.shape).sum(1)
        if int((counts > 0).sum()) * int(counts.max()) > WORTH * len(going):
            return None
        kept = object.__new__(Slots)
        kept.heads = self.heads[counts > 0]
        kept.taken, kept.source = _placed(going.nonzero().squeeze(1), counts[counts > 0])
        kept.word = self.word[kept.source]
        return kept


def _placed(content: Tensor, counts: Tensor) -> tuple[Tensor, Tensor]:
    """For content listed head by head: which slots are taken, and what each holds (empty ones repeat the first)."""
    places = int(counts.max())
    taken = torch.arange(places, device=content.device) < counts[:, None]
    source = content[0].expand(len(counts), places).masked_scatter(taken, content)
    return taken.flatten(), source.flatten()


class Beams:
    """The beams of every slot, best first; at the start one beam each."""

    def __init__(self, slots: Slots, hidden: int, like: Tensor, longest: int, end: int) -> None:
        count = len(slots.taken)
        self.end = end
        self.state = like.new_zeros(count, 1, hidden)
        self.previous = torch.full((count, 1), BEGIN, device=like.device)
        self.classes = torch.full((count, 1, longest), end, device=like.device)
        self.product = torch.ones(count, 1, dtype=torch.float64, device=like.device)
        self.sum = torch.zeros(count, 1, dtype=torch.float64, device=like.device)
        self.ended = ~slots.taken[:, None]

    def extend(self, best: Tensor, chosen: Tensor, step: int) -> None:
        """Every beam by its likeliest characters, probabilities and classes (slots, k, width), the ended ones as they are; keeps the
        best ``width``."""
        width = best.shape[-1]
        candidates = torch.where(self.ended[..., None], ABSENT, self.product[..., None] * best)
        candidates[..., 0] = torch.where(self.ended, self.product, candidates[..., 0])
        ranked, order = candidates.flatten(1).sort(dim=1, descending=True, stable=True)
        self.product, order = ranked[:, :width], order[:, :width]
        parent, character = order // width, chosen.flatten(1).gather(1, order)
        was_ended = self.ended.gather(1, parent)
        self.state = self.state.gather(1, parent[..., None].expand(-1, -1, self.state.shape[-1]))
        self.classes = self.classes.gather(1, parent[..., None].expand(-1, -1, self.classes.shape[-1]))
        self.previous = torch.where(was_ended, self.end, character)
        self.classes[..., step] = self.previous
        self.sum = self.sum.gather(1, parent) + torch.where(was_ended, 0.0, best.flatten(1).gather(1, order))
        self.ended = was_ended | (character == self.end) | (self.product < 0)

    def write(self, read: Read, slots: Slots) -> None:
        """The first beam of every slot that holds a word, as it stands, into the word's row."""
        word, classes = slots.word[slots.taken], self.classes[slots.taken, 0]
        characters = (classes != self.end).sum(1)
        chosen = characters + (characters < classes.shape[1])
        read.classes[word], read.product[word] = classes, self.product[slots.taken, 0]
        read.confidence[word] = (self.sum[slots.taken, 0] / chosen).to(read.confidence.dtype)

    def kept(self, slots: Slots) -> "Beams":
        made = object.__new__(Beams)
        made.end = self.end
        for name in ("state", "previous", "classes", "product", "sum", "ended"):
            setattr(made, name, getattr(self, name)[slots.source])
        made.ended |= ~slots.taken[:, None]
        return made
