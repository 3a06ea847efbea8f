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

from raygroup.model.heads.bank import BEGIN, HeadBank
from raygroup.model.heads.beams import Beams, Read, Slots
from raygroup.model.heads.recurrence import attended
from raygroup.model.kernels.convolution import resized
from raygroup.model.kernels.forms import PLAIN, Kernels
from raygroup.model.kernels.products import packed
from raygroup.model.kernels.winograd import in_tiles, read_pooled, transformed_weights

_ROWS_WORTH_PACKING = 4
"""Rows a head multiplies at a time from which on oneDNN is faster."""
_BLOCK = 64
"""Classes looked at together in search of the likeliest."""
_NEVER = -1.0
"""Below every probability."""
_FACTORS = 40.0
"""Keys and queries up to which e^(-2 key) and e^(2 query) are float32 numbers with room to add and multiply."""


class _Affine:
    """Products with each head's own matrix (g, i, o) and bias (g, o), by oneDNN where that pays."""

    def __init__(self, matrix: Tensor, bias: Tensor, packed: list[Tensor] | None) -> None:
        self.matrix, self.bias, self.packed = matrix, bias[:, None], packed

    def of(self, heads: Tensor) -> "_Affine":
        chosen = None if self.packed is None else [self.packed[number] for number in heads.tolist()]
        return _Affine(self.matrix[heads], self.bias[heads, 0], chosen)

    def __call__(self, rows: Tensor, addend: Tensor | None = None) -> Tensor:
        """(g, r, i) -> (g, r, o), the bias added, or ``addend`` (g, r, o) in its place."""
        addend = self.bias if addend is None else addend
        if self.packed is None or rows.shape[1] < _ROWS_WORTH_PACKING:
            return torch.baddbmm(addend, rows, self.matrix)
        found = rows.new_empty(*rows.shape[:2], self.matrix.shape[2])
        for mine, weights, add, out in zip(rows, self.packed, addend, found, strict=True):
            torch.add(F.linear(mine.to_mkldnn(), weights).to_dense(), add, out=out)
        return found

    def in_parts(self, rows: Tensor) -> list[Tensor]:
        """The same as tensors that together are (g, r, o), without the pass over memory that joins them."""
        if self.packed is None or rows.shape[1] < _ROWS_WORTH_PACKING:
            return [self(rows)]
        biases = (bias[0].to_mkldnn() for bias in self.bias)
        return [F.linear(mine.to_mkldnn(), w, b).to_dense()[None] for mine, w, b in zip(rows, self.packed, biases, strict=True)]


class _Weights(NamedTuple):
    """What a decoder step needs, heads first."""

    embedding: Tensor
    score: Tensor
    gates: _Affine
    """From a character's embedding to its share of the GRU's input gates."""
    ask: _Affine
    """From the state to the attention's query and the GRU's recurrent gates."""
    see: _Affine
    """From what was attended to to its share of the input gates."""
    write: _Affine
    """From the state to logits."""

    def of(self, heads: Tensor) -> "_Weights":
        return _Weights(self.embedding[heads], self.score[heads], *(affine.of(heads) for affine in self[2:]))


class Reader:
    """The heads of a bank made ready to read any number of words; what is worked out once is not worked out again for each of them.

    The bank must not change meanwhile: some of its weights are copied, others are not.
    """

    @torch.no_grad()
    def __init__(self, bank: HeadBank, form: Kernels = PLAIN) -> None:
        self.bank, self.form, self.end = bank, form, bank.classes - 1
        self.weights = self._prepared()
        winograd = bank.convolve and form.convolution == "winograd" and in_tiles(*bank.plane_size)
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

    def _prepared(self) -> _Weights:
        bank, cell = self.bank, self.bank.cell()
        word_bias = torch.baddbmm(bank.gate_bias[:, None], bank.word_bias[:, None], bank.gate_word)[:, 0]
        state_bias = F.pad(cell.state_bias, (bank.hidden, 0))
        see_bias = torch.zeros_like(cell.state_bias)
        pairs = (
            (bank.word.bmm(bank.gate_word), word_bias), (cell.query_and_state, state_bias), (cell.context, see_bias),
            (bank.output, bank.output_bias),
        )  # fmt: skip
        affines = [
            _Affine(matrix.detach(), bias.detach(), packed(matrix.detach()) if self.form.products == "onednn" else None)
            for matrix, bias in pairs
        ]
        return _Weights(bank.embedding.detach(), bank.score.detach(), *affines)

    def encode(self, words: Tensor, head: int) -> tuple[Tensor, Tensor]:
        """What one head attends to in its words, (w, 1, l, f), and their keys (w, 1, l, h)."""
        which = slice(head, head + 1)
        if self.transformed is None:
            return self.bank.encode(words, self.form, which)
        planes = resized(words, self.bank.plane_size)
        pooled = read_pooled(planes, self.transformed[head], self.bank.convolution_bias[which])
        return self.bank.attended_to(pooled, self.form, which)


def _likeliest(logits: Tensor, width: int, lowest: int) -> tuple[Tensor, Tensor]:
    probabilities = logits.softmax(-1)
    probabilities[..., :lowest] = _NEVER
    return largest(probabilities, width)


def largest(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """The ``count`` largest of the last axis and where they stand, as ``topk``, in a third of its time on long axes.

    They lie in the ``count`` blocks whose largest values are largest, or in the rest that fills no block.
    """
    blocks = values.shape[-1] // _BLOCK
    if blocks <= 2 * count:
        return values.topk(count)
    whole = values[..., : blocks * _BLOCK].unflatten(-1, (blocks, _BLOCK))  # type: ignore[no-untyped-call]
    block = whole.amax(-1).topk(count).indices[..., None]
    places = torch.cat(
        [(block * _BLOCK + torch.arange(_BLOCK, device=values.device)).flatten(-2),
         torch.arange(blocks * _BLOCK, values.shape[-1], device=values.device).expand(*values.shape[:-1], -1)], -1,
    )  # fmt: skip
    best, at = values.gather(-1, places).topk(count)
    return best, places.gather(-1, at)


class _Decoder:
    """The words of all slots, encoded once by their own heads, and the step that reads one character further."""

    def __init__(self, reader: Reader, words: Tensor, slots: Slots) -> None:
        self.reader, self.grid = reader, reader.bank.grid
        placed = zip(slots.heads.tolist(), slots.word.view(slots.shape), strict=True)
        encoded = [reader.encode(words[mine], head) for head, mine in placed]
        self.values = torch.cat([values for values, _ in encoded])
        self.keys = torch.cat([keys[:, 0] for _, keys in encoded])
        self.exponential = reader.form.attention != "tanh" and bool(self.keys.abs().max() < _FACTORS)
        """Whether ``keys`` holds a = e^(-2 key): with b = e^(2 query), tanh(key + query) = 2 b / (a + b) - 1, whose constant leaves the
        softmax."""
        if self.exponential:
            self.keys.mul_(-2).exp_()
        self._use(slots)

    def _use(self, slots: Slots) -> None:
        """The weights of the heads that have words."""
        reader, numbers = self.reader, slots.heads.tolist()
        self.weights = reader.weights if len(numbers) == reader.bank.heads else reader.weights.of(slots.heads)
        self.heads = torch.arange(len(numbers), device=slots.heads.device)[:, None]

    def keep(self, kept: Slots) -> None:
        self.values, self.keys = self.values[kept.source], self.keys[kept.source]
        if len(kept.heads) < len(self.heads):
            self._use(kept)

    def step(self, beams: Beams, width: int, lowest: int) -> tuple[Tensor, Tensor]:
        """One character further: the ``width`` likeliest classes of each beam from ``lowest`` on, as probabilities in float64 and
        classes, both (slots, k, width); the beams' states are moved on."""
        (slots, k, h), g, weights = beams.state.shape, len(self.heads), self.weights
        state, previous = beams.state.view(g, -1, h), beams.previous.view(g, -1)
        asked = weights.ask(state)
        attention = self._scores(asked[..., :h].reshape(slots, k, h)).softmax(-1)
        seen = attended(self.values, attention, self.grid).transpose(0, 1).reshape(g, state.shape[1], -1)
        inputs = weights.see(seen, weights.gates(weights.embedding[self.heads, previous]))
        recurrent = asked[..., h:]
        reset, update = torch.sigmoid(inputs[..., : 2 * h] + recurrent[..., : 2 * h]).chunk(2, -1)
        candidate = torch.tanh(inputs[..., 2 * h :] + reset * recurrent[..., 2 * h :])
        state = torch.lerp(candidate, state, update)
        beams.state = state.view(slots, k, h)
        found = [_likeliest(logits, width, lowest) for logits in weights.write.in_parts(state)]
        best, chosen = (torch.cat(part) for part in zip(*found, strict=True))
        return best.view(slots, k, width).double(), chosen.view(slots, k, width)

    def _scores(self, queries: Tensor) -> Tensor:
        """Of each slot's positions (g * s, k, l) for each of its beams, under its own head."""
        score = self.weights.score
        score = score.repeat_interleave(len(queries) // len(score), 0)[:, None, None]
        if self.exponential and queries.abs().max() > _FACTORS:
            self.keys, self.exponential = self.keys.log() / -2, False
        if not self.exponential:
            return (self.keys[:, None] + queries[:, :, None]).tanh_().mul_(score).sum(-1)
        exponential = (2 * queries).exp()[:, :, None]
        below = self.keys[:, None] + exponential
        return torch.div(2 * score * exponential, below, out=below).sum(-1)
