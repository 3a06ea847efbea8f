"""Reading words: greedily or with beams, all words and all their heads at once; a word that has ended costs nothing more.

Scores follow the released code: beams are ranked by the product of their characters' probabilities (without a norm for length, the
begin class never chosen), and a word's confidence is the mean probability of its characters and its end. Greedy reading may choose the
begin class, which stands for a character outside the charset: the two can differ on such words. A word is read once its first beam
has ended: no other can overtake it, since products only fall.

Shapes: w words, g heads that have words, s slots for words at each of them, k beams of a word, l positions, h hidden, c classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor

from raygroup.model.heads import BEGIN, HeadBank
from raygroup.model.kernels import PLAIN, Kernels
from raygroup.model.products import packed
from raygroup.model.recurrence import Cell, attended

_ABSENT = -1.0
"""Rank of a beam that is none: below every product of probabilities."""
_ROWS_WORTH_PACKING = 32
"""States a head reads at a time from which on oneDNN is worth its packing of the output layer."""
_WORTH = 0.75
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


@torch.no_grad()
def greedy(bank: HeadBank, words: Tensor, heads: Tensor, longest: int, form: Kernels = PLAIN) -> Read:
    """The most probable character at every step of each word by its head ``heads`` (w,), at most ``longest`` with the end."""
    return _read(bank, words, heads, longest, 1, form, lowest=BEGIN)


@torch.no_grad()
def beam(bank: HeadBank, words: Tensor, heads: Tensor, longest: int, width: int = 6, form: Kernels = PLAIN) -> Read:
    """The most probable of the words that ``width`` beams lead to, of each word by its head ``heads`` (w,)."""
    if not 1 <= width < bank.classes:
        raise ValueError(f"width is {width}: it must be from 1 to {bank.classes - 1}, the classes a beam may choose from")
    return _read(bank, words, heads, longest, width, form, lowest=BEGIN + 1)


def _read(bank: HeadBank, words: Tensor, heads: Tensor, longest: int, width: int, form: Kernels, lowest: int) -> Read:
    read = Read(
        torch.full((len(words), longest), bank.classes - 1, device=words.device),
        torch.zeros(len(words), device=words.device), torch.zeros(len(words), device=words.device, dtype=torch.float64),
    )  # fmt: skip
    if not len(words) or not longest:
        return read
    slots = _Slots(heads.to(words.device))
    decoder = _Decoder(bank, words, slots, width, form)
    beams = _Beams(slots, bank.hidden, words, longest, bank.classes - 1)
    for step in range(longest):
        beams.extend(*decoder.step(beams, width, lowest), step)
        going = ~beams.ended[:, 0]
        if step + 1 == longest or not going.any():
            break
        kept = slots.without_ended(going)
        if kept is not None:
            beams.write(read, slots)
            decoder.keep(kept, slots)
            slots, beams = kept, beams.kept(kept)
    beams.write(read, slots)
    return read


class _Slots:
    """Words side by side for each head that has any, (g, s), so that a product serves all words of all heads; flat where not said."""

    def __init__(self, heads: Tensor) -> None:
        self.heads, counts = heads.unique(return_counts=True)  # type: ignore[no-untyped-call]
        self.taken, self.word = _placed(heads.argsort(stable=True), counts)
        self.source = self.word
        """Where each slot's content came from: a word, or a slot of the arrangement before."""

    @property
    def shape(self) -> tuple[int, int]:
        return len(self.heads), len(self.taken) // len(self.heads)

    def without_ended(self, going: Tensor) -> "_Slots | None":
        """An arrangement of the words still read, or None while that would not save a quarter of the work."""
        counts = going.view(self.shape).sum(1)
        if int((counts > 0).sum()) * int(counts.max()) > _WORTH * len(going):
            return None
        kept = object.__new__(_Slots)
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


class _Beams:
    """The beams of every slot, best first; at the start one beam each."""

    def __init__(self, slots: _Slots, hidden: int, like: Tensor, longest: int, end: int) -> None:
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
        candidates = torch.where(self.ended[..., None], _ABSENT, self.product[..., None] * best)
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

    def write(self, read: Read, slots: _Slots) -> None:
        """The first beam of every slot that holds a word, as it stands, into the word's row."""
        word, classes = slots.word[slots.taken], self.classes[slots.taken, 0]
        characters = (classes != self.end).sum(1)
        chosen = characters + (characters < classes.shape[1])
        read.classes[word], read.product[word] = classes, self.product[slots.taken, 0]
        read.confidence[word] = (self.sum[slots.taken, 0] / chosen).to(read.confidence.dtype)

    def kept(self, slots: _Slots) -> "_Beams":
        made = object.__new__(_Beams)
        made.end = self.end
        for name in ("state", "previous", "classes", "product", "sum", "ended"):
            setattr(made, name, getattr(self, name)[slots.source])
        made.ended |= ~slots.taken[:, None]
        return made


class _Decoder:
    """The words of all slots, encoded once by their own heads, and the step that reads one character further."""

    def __init__(self, bank: HeadBank, words: Tensor, slots: _Slots, width: int, form: Kernels) -> None:
        self.grid, self.form = bank.grid, form
        encoded = [
            bank.encode(words[mine], form, slice(head, head + 1))
            for head, mine in zip(slots.heads.tolist(), slots.word.view(slots.shape), strict=True)
        ]
        self.values = torch.cat([values for values, _ in encoded])
        self.keys = torch.cat([keys[:, 0] for _, keys in encoded])
        self.heads = torch.arange(len(slots.heads), device=words.device)[:, None]
        self.embedding, self.output, self.output_bias = (w[slots.heads] for w in (bank.embedding, bank.output, bank.output_bias))
        self.cell = Cell(*(weights[slots.heads] for weights in bank.cell()))
        word, gate = bank.word[slots.heads], bank.gate_word[slots.heads]
        self.word_to_gates = word.bmm(gate)
        self.gate_bias = torch.baddbmm(bank.gate_bias[slots.heads][:, None], bank.word_bias[slots.heads][:, None], gate)
        self.packed = packed(self.output) if form.products == "onednn" and slots.shape[1] * width >= _ROWS_WORTH_PACKING else None

    def keep(self, kept: _Slots, before: _Slots) -> None:
        self.values, self.keys = self.values[kept.source], self.keys[kept.source]
        if len(kept.heads) < len(before.heads):
            which = torch.isin(before.heads, kept.heads)
            self.heads = self.heads[: len(kept.heads)]
            if self.packed is not None:
                self.packed = [weights for weights, stays in zip(self.packed, which.tolist(), strict=True) if stays]
            self.cell = Cell(*(weights[which] for weights in self.cell))
            for name in ("embedding", "output", "output_bias", "word_to_gates", "gate_bias"):
                setattr(self, name, getattr(self, name)[which])

    def step(self, beams: _Beams, width: int, lowest: int) -> tuple[Tensor, Tensor]:
        """One character further: the ``width`` likeliest classes of each beam from ``lowest`` on, as probabilities in float64 and
        classes, both (slots, k, width); the beams' states are moved on."""
        (slots, k, h), g = beams.state.shape, len(self.heads)
        state, previous = beams.state.view(g, -1, h), beams.previous.view(g, -1)
        gates = torch.baddbmm(self.gate_bias, self.embedding[self.heads, previous], self.word_to_gates)
        asked = torch.bmm(state, self.cell.query_and_state)
        attention = self._scores(asked[..., :h].reshape(slots, k, h)).softmax(-1)
        seen = attended(self.values, attention, self.grid).transpose(0, 1).reshape(g, -1, self.cell.context.shape[1])
        inputs = torch.baddbmm(gates, seen, self.cell.context)
        recurrent = asked[..., h:] + self.cell.state_bias[:, None]
        reset, update = torch.sigmoid(inputs[..., : 2 * h] + recurrent[..., : 2 * h]).chunk(2, -1)
        candidate = torch.tanh(inputs[..., 2 * h :] + reset * recurrent[..., 2 * h :])
        state = torch.lerp(candidate, state, update)
        beams.state = state.view(slots, k, h)
        best, chosen = self._logits(state).softmax(-1)[..., lowest:].topk(width)
        return best.view(slots, k, width).double(), (chosen + lowest).view(slots, k, width)

    def _logits(self, state: Tensor) -> Tensor:
        """(g, s * k, c)"""
        if self.packed is None or state.shape[1] < _ROWS_WORTH_PACKING:
            return torch.baddbmm(self.output_bias[:, None], state, self.output)
        own = [torch.nn.functional.linear(rows.to_mkldnn(), w).to_dense() for rows, w in zip(state, self.packed, strict=True)]
        return torch.stack(own).add_(self.output_bias[:, None])

    def _scores(self, queries: Tensor) -> Tensor:
        """Of each slot's positions (g * s, k, l) for each of its beams, under its own head."""
        score = self.cell.score.repeat_interleave(len(queries) // len(self.cell.score), 0)[:, None, None]
        if self.form.attention == "tanh":
            return (self.keys[:, None] + queries[:, :, None]).tanh_().mul_(score).sum(-1)
        return torch.add(2 * queries[:, :, None], self.keys[:, None], alpha=2).sigmoid_().mul_(2 * score).sum(-1)
