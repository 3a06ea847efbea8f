"""Reading words: greedily or with beams, all words and all their heads at once; a word that has ended costs nothing more.

Scores follow the released code: beams are ranked by the product of their characters' probabilities (without a norm for length, the
begin class never chosen), and a word's confidence is the mean probability of its characters and its end. Greedy reading may choose the
begin class, which stands for a character outside the charset: the two can differ on such words. A word is read once its first beam
has ended: no other can overtake it, since products only fall.

Shapes: w words, g heads that have words, s slots for words at each of them, k beams of a word, l positions, h hidden, c classes.
"""

from typing import NamedTuple

import torch
import torch.nn.functional as F
from torch import Tensor

from raygroup.model.beams import Beams, Read, Slots
from raygroup.model.convolution import resized
from raygroup.model.heads import BEGIN, HeadBank
from raygroup.model.kernels import PLAIN, Kernels
from raygroup.model.products import packed
from raygroup.model.recurrence import Cell, attended
from raygroup.model.winograd import read_pooled, transformed_weights

_ROWS_WORTH_PACKING = 4
"""States a head reads at a time from which on oneDNN reads the output layer faster."""
_FACTORS = 40.0
"""Keys and queries up to which e^(-2 key) e^(-2 query) is exact enough: either factor is a float32, their product may be infinite."""


class _Weights(NamedTuple):
    """What a decoder step needs, heads first."""

    cell: Cell
    embedding: Tensor
    word_to_gates: Tensor
    """(m, e, 3h): from a character's embedding to its share of the GRU's input gates."""
    gate_bias: Tensor
    output: Tensor
    output_bias: Tensor

    def of(self, heads: Tensor) -> "_Weights":
        return _Weights(Cell(*(weights[heads] for weights in self.cell)), *(weights[heads] for weights in self[1:]))


class Reader:
    """The heads of a bank made ready to read any number of words; what is worked out once is not worked out again for each of them.

    It holds copies: a bank that trains on is read as it was.
    """

    @torch.no_grad()
    def __init__(self, bank: HeadBank, form: Kernels = PLAIN) -> None:
        self.bank, self.form, self.end = bank, form, bank.classes - 1
        gate_bias = torch.baddbmm(bank.gate_bias[:, None], bank.word_bias[:, None], bank.gate_word)
        cell = Cell(*(weights.detach().clone() for weights in bank.cell()))
        self.weights = _Weights(
            cell, bank.embedding.detach(), bank.word.bmm(bank.gate_word), gate_bias, bank.output.detach(), bank.output_bias.detach()
        )
        self.packed = packed(bank.output.detach()) if form.products == "onednn" else None
        winograd = bank.convolve and form.convolution == "winograd"
        self.transformed = [transformed_weights(weight[None]) for weight in bank.convolution] if winograd else None

    @torch.no_grad()
    def greedy(self, words: Tensor, heads: Tensor, longest: int) -> Read:
        """The most probable character at every step of each word by its head ``heads`` (w,), at most ``longest`` with the end."""
        return self._read(words, heads, longest, 1, BEGIN)

    @torch.no_grad()
    def beam(self, words: Tensor, heads: Tensor, longest: int, width: int = 6) -> Read:
        """The most probable of the words that ``width`` beams lead to, of each word by its head ``heads`` (w,)."""
        if not 1 <= width < self.bank.classes:
            raise ValueError(f"width is {width}: it must be from 1 to {self.end}, the classes a beam may choose from")
        return self._read(words, heads, longest, width, BEGIN + 1)

    def _read(self, words: Tensor, heads: Tensor, longest: int, width: int, lowest: int) -> Read:
        read = Read.nothing(len(words), longest, self.end, words.device)
        if not len(words) or not longest:
            return read
        slots = Slots(heads.to(words.device))
        decoder = _Decoder(self, words, slots)
        beams = Beams(slots, self.bank.hidden, words, longest, self.end)
        for step in range(longest):
            beams.extend(*decoder.step(beams, width, lowest), step)
            going = ~beams.ended[:, 0]
            if step + 1 == longest or not going.any():
                break
            kept = slots.without_ended(going)
            if kept is not None:
                beams.write(read, slots)
                decoder.keep(kept)
                slots, beams = kept, beams.kept(kept)
        beams.write(read, slots)
        return read

    def encode(self, words: Tensor, head: int) -> tuple[Tensor, Tensor]:
        """What one head attends to in its words, (w, 1, l, f), and their keys (w, 1, l, h)."""
        which = slice(head, head + 1)
        if self.transformed is None:
            return self.bank.encode(words, self.form, which)
        planes = resized(words, self.bank.plane_size)
        pooled = read_pooled(planes, self.transformed[head], self.bank.convolution_bias[which])
        return self.bank.attended_to(pooled, self.form, which)


class _Decoder:
    """The words of all slots, encoded once by their own heads, and the step that reads one character further."""

    def __init__(self, reader: Reader, words: Tensor, slots: Slots) -> None:
        self.reader, self.grid = reader, reader.bank.grid
        placed = zip(slots.heads.tolist(), slots.word.view(slots.shape), strict=True)
        encoded = [reader.encode(words[mine], head) for head, mine in placed]
        self.values = torch.cat([values for values, _ in encoded])
        self.keys = torch.cat([keys[:, 0] for _, keys in encoded])
        self.exponential = reader.form.attention != "tanh" and bool(self.keys.abs().max() < _FACTORS)
        """Whether ``keys`` holds e^(-2 key), since tanh(key + query) = 2 / (1 + e^(-2 key) e^(-2 query)) - 1, whose constant leaves the
        softmax."""
        if self.exponential:
            self.keys.mul_(-2).exp_()
        self._use(slots)

    def _use(self, slots: Slots) -> None:
        """The weights of the heads that have words."""
        reader, numbers = self.reader, slots.heads.tolist()
        self.weights = reader.weights if len(numbers) == reader.bank.heads else reader.weights.of(slots.heads)
        self.packed = None if reader.packed is None else [reader.packed[number] for number in numbers]
        self.heads = torch.arange(len(numbers), device=slots.heads.device)[:, None]

    def keep(self, kept: Slots) -> None:
        self.values, self.keys = self.values[kept.source], self.keys[kept.source]
        if len(kept.heads) < len(self.heads):
            self._use(kept)

    def step(self, beams: Beams, width: int, lowest: int) -> tuple[Tensor, Tensor]:
        """One character further: the ``width`` likeliest classes of each beam from ``lowest`` on, as probabilities in float64 and
        classes, both (slots, k, width); the beams' states are moved on."""
        (slots, k, h), g, weights = beams.state.shape, len(self.heads), self.weights
        cell = weights.cell
        state, previous = beams.state.view(g, -1, h), beams.previous.view(g, -1)
        gates = torch.baddbmm(weights.gate_bias, weights.embedding[self.heads, previous], weights.word_to_gates)
        asked = torch.bmm(state, cell.query_and_state)
        attention = self._scores(asked[..., :h].reshape(slots, k, h)).softmax(-1)
        seen = attended(self.values, attention, self.grid).transpose(0, 1).reshape(g, -1, cell.context.shape[1])
        inputs = torch.baddbmm(gates, seen, cell.context)
        recurrent = asked[..., h:] + cell.state_bias[:, None]
        reset, update = torch.sigmoid(inputs[..., : 2 * h] + recurrent[..., : 2 * h]).chunk(2, -1)
        candidate = torch.tanh(inputs[..., 2 * h :] + reset * recurrent[..., 2 * h :])
        state = torch.lerp(candidate, state, update)
        beams.state = state.view(slots, k, h)
        best, chosen = self._logits(state).softmax(-1)[..., lowest:].topk(width)
        return best.view(slots, k, width).double(), (chosen + lowest).view(slots, k, width)

    def _logits(self, state: Tensor) -> Tensor:
        """(g, s * k, c)"""
        bias = self.weights.output_bias[:, None]
        if self.packed is None or state.shape[1] < _ROWS_WORTH_PACKING:
            return torch.baddbmm(bias, state, self.weights.output)
        logits = bias.new_empty(*state.shape[:2], bias.shape[-1])
        for rows, weights, own, out in zip(state, self.packed, bias, logits, strict=True):
            torch.add(F.linear(rows.to_mkldnn(), weights).to_dense(), own, out=out)
        return logits

    def _scores(self, queries: Tensor) -> Tensor:
        """Of each slot's positions (g * s, k, l) for each of its beams, under its own head."""
        score = self.weights.cell.score
        score = score.repeat_interleave(len(queries) // len(score), 0)[:, None, None]
        if self.exponential and queries.abs().max() > _FACTORS:
            self.keys, self.exponential = self.keys.log() / -2, False
        if not self.exponential:
            return (self.keys[:, None] + queries[:, :, None]).tanh_().mul_(score).sum(-1)
        below = torch.addcmul(queries.new_ones(1), self.keys[:, None], (-2 * queries).exp()[:, :, None])
        return torch.div(2 * score, below, out=below).sum(-1)
