"""Greedy and beam reading of many words by many heads at once.

Scores follow the released code. Beams are ranked by the product of their characters' probabilities,
without a correction for length, and may not choose the begin class. A word's confidence is the mean
probability of its characters and its end. Greedy reading may choose the begin class, which stands
for a character outside the charset, so the two methods can differ on words with such characters. A
word is finished once its best beam has ended: no other beam can overtake it, since products only
fall. Finished words are dropped and cost nothing more.

Shapes: w words, g heads that have words, s slots of each of these heads, k beams of a word, l
positions, h hidden, c classes.
"""

import torch
from torch import Tensor

from raygroup.model.heads.bank import BEGIN, HeadBank
from raygroup.model.heads.beams import Beams, DecodedWords, Slots
from raygroup.model.heads.cell import attend
from raygroup.model.heads.decoder_weights import prepare_weights
from raygroup.model.kernels.convolution import resize_planes
from raygroup.model.kernels.forms import PLAIN, Kernels
from raygroup.model.kernels.winograd import fits_tiles, infer_convolve_and_pool, transform_weights

_BLOCK = 64
"""Number of classes whose largest value ``top_k`` compares first."""
_NEVER = -1.0
"""Below every probability."""
_LARGEST_EXPONENT = 40.0
"""Largest key and query for which e^(-2 key) and e^(2 query) fit float32.

This leaves room to add and to multiply them.
"""


class Reader:
    """A bank prepared to read any number of words. The preparation is done once.

    The bank must not change afterwards: some of its weights are copied, others are not.
    """

    @torch.no_grad()
    def __init__(self, bank: HeadBank, form: Kernels = PLAIN) -> None:
        self.bank, self.form, self.end = bank, form, bank.classes - 1
        self.weights = prepare_weights(bank, form)
        winograd = bank.convolve and form.convolution == "winograd" and fits_tiles(*bank.plane_size)
        self.transformed = [transform_weights(weight[None]) for weight in bank.convolution] if winograd else None

    @torch.no_grad()
    def greedy(self, words: Tensor, heads: Tensor, longest: int) -> DecodedWords:
        """Read words by choosing the most probable character at every step.

        ``heads`` (w,) is the head that reads each word. A word gets at most ``longest`` characters.
        Its end counts as one.
        """
        return self._read(words, heads, longest, 1, BEGIN)

    @torch.no_grad()
    def beam(self, words: Tensor, heads: Tensor, longest: int, width: int = 6) -> DecodedWords:
        """Read words by following the ``width`` most probable beams.

        ``heads`` (w,) is the head that reads each word. Raises ValueError if ``width`` is below 1
        or above the number of classes that a beam may choose.
        """
        if not 1 <= width < self.bank.classes:
            raise ValueError(f"width is {width}: it must be from 1 to {self.end}, the number of classes that a beam may choose")
        return self._read(words, heads, longest, width, BEGIN + 1)

    def encode(self, words: Tensor, head: int) -> tuple[Tensor, Tensor]:
        """Return the attention's values and keys for the words of one head.

        They are (w, 1, l, f) and (w, 1, l, h).
        """
        heads = slice(head, head + 1)
        if self.transformed is None:
            return self.bank.encode(words, self.form, heads)
        planes = resize_planes(words, self.bank.plane_size)
        encoded = infer_convolve_and_pool(planes, self.transformed[head], self.bank.convolution_bias[heads])
        return self.bank.values_and_keys(encoded, self.form, heads)

    def _read(self, words: Tensor, heads: Tensor, longest: int, width: int, lowest: int) -> DecodedWords:
        """Read with beams of ``width``, choosing classes from ``lowest`` on."""
        decoded = DecodedWords.empty(len(words), longest, self.end, words.device)
        if not len(words) or not longest:
            return decoded
        slots = Slots(heads.to(words.device))
        decoder = _Decoder(self, words, slots)
        beams = Beams(slots, self.bank.hidden, words, longest, self.end)
        for step in range(longest):
            beams.extend(*decoder.step(beams, width, lowest), step)
            unfinished = ~beams.ended[:, 0]
            if step + 1 == longest or not unfinished.any():
                break
            remaining = slots.drop_ended(unfinished)
            if remaining is not None:
                # Words that are dropped now must be written first. The others are written again
                # when they end.
                beams.write(decoded, slots)
                decoder.rearrange(remaining)
                slots, beams = remaining, beams.rearrange(remaining)
        beams.write(decoded, slots)
        return decoded


class _Decoder:
    """The words of all slots, encoded by their own heads."""

    def __init__(self, reader: Reader, words: Tensor, slots: Slots) -> None:
        self.reader, self.grid = reader, reader.bank.grid
        words_of_heads = zip(slots.heads.tolist(), slots.word.view(slots.shape), strict=True)
        encoded = [reader.encode(words[numbers], head) for head, numbers in words_of_heads]
        self.values = torch.cat([values for values, _ in encoded])
        self.keys = torch.cat([keys[:, 0] for _, keys in encoded])
        self.exponential = reader.form.attention != "tanh" and bool(self.keys.abs().max() < _LARGEST_EXPONENT)
        """Whether ``keys`` holds a = e^(-2 key).

        With b = e^(2 query), tanh(key + query) = 2 b / (a + b) - 1. The softmax removes the
        constant, and no step needs to evaluate a tanh.
        """
        if self.exponential:
            self.keys.mul_(-2).exp_()
        self._select_heads(slots)

    def _select_heads(self, slots: Slots) -> None:
        """Use the weights of the heads that have words."""
        reader, numbers = self.reader, slots.heads.tolist()
        self.weights = reader.weights if len(numbers) == reader.bank.heads else reader.weights.of_heads(slots.heads)
        self.heads = torch.arange(len(numbers), device=slots.heads.device)[:, None]

    def rearrange(self, slots: Slots) -> None:
        """Reorder values and keys for a new arrangement of the slots."""
        self.values, self.keys = self.values[slots.source], self.keys[slots.source]
        if len(slots.heads) < len(self.heads):
            self._select_heads(slots)

    def step(self, beams: Beams, width: int, lowest: int) -> tuple[Tensor, Tensor]:
        """Advance the states of all beams by one character.

        Returns the ``width`` likeliest classes of each beam from ``lowest`` on: their probabilities
        (float64) and numbers, both (slots, k, width).
        """
        (slots, k, h), g, weights = beams.state.shape, len(self.heads), self.weights
        state, previous = beams.state.view(g, -1, h), beams.previous.view(g, -1)
        projected = weights.query_and_state(state)
        attention = self._scores(projected[..., :h].reshape(slots, k, h)).softmax(-1)
        attended = attend(self.values, attention, self.grid).transpose(0, 1).reshape(g, state.shape[1], -1)
        inputs = weights.context(attended, weights.word_gates(weights.embedding[self.heads, previous]))
        # The GRU, as in ``step_forward``.
        recurrent = projected[..., h:]
        reset, update = torch.sigmoid(inputs[..., : 2 * h] + recurrent[..., : 2 * h]).chunk(2, -1)
        candidate = torch.tanh(inputs[..., 2 * h :] + reset * recurrent[..., 2 * h :])
        state = torch.lerp(candidate, state, update)
        beams.state = state.view(slots, k, h)
        parts = [_likeliest(logits, width, lowest) for logits in weights.output.in_parts(state)]
        best, characters = (torch.cat(part) for part in zip(*parts, strict=True))
        return best.view(slots, k, width).double(), characters.view(slots, k, width)

    def _scores(self, queries: Tensor) -> Tensor:
        """Return the attention's scores, (g * s, k, l).

        ``queries`` is (g * s, k, h). Each slot is scored by its own head.
        """
        score = self.weights.score
        score = score.repeat_interleave(len(queries) // len(score), 0)[:, None, None]
        if self.exponential and queries.abs().max() > _LARGEST_EXPONENT:
            self.keys, self.exponential = self.keys.log() / -2, False
        if not self.exponential:
            return (self.keys[:, None] + queries[:, :, None]).tanh_().mul_(score).sum(-1)
        exponential = (2 * queries).exp()[:, :, None]
        denominator = self.keys[:, None] + exponential
        return torch.div(2 * score * exponential, denominator, out=denominator).sum(-1)


def _likeliest(logits: Tensor, width: int, lowest: int) -> tuple[Tensor, Tensor]:
    probabilities = logits.softmax(-1)
    probabilities[..., :lowest] = _NEVER
    return top_k(probabilities, width)


def top_k(values: Tensor, count: int) -> tuple[Tensor, Tensor]:
    """Return the largest values of the last axis and their places.

    The result is that of ``topk``. On long axes this takes a third of the time of ``topk``. The
    largest values must lie in the ``count`` blocks with the largest maxima, or in the rest of the
    axis that fills no block.
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
    best, positions = values.gather(-1, places).topk(count)
    return best, places.gather(-1, positions)
