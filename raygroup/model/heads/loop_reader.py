"""The reader of one head as a module that ``torch.onnx.export`` can write.

It reads as ``decoding.Reader`` does, in plain operators and by ``while_loop``. A word that has ended
stays in the loop, so tensors keep their shapes. The loop ends with the last word.

Shapes: w words, k beams, l positions, h hidden, f features, c classes, s steps.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor, nn

from raygroup.model.heads.bank import BEGIN, HeadBank
from raygroup.model.heads.beams import NO_BEAM

_NEVER = -1.0
"""Below every probability."""


class _LoopReader(nn.Module):
    """The weights of one head, and its decoder step."""

    embedding: Tensor
    word: Tensor
    word_bias: Tensor
    query: Tensor
    key: Tensor
    place: Tensor
    attention_bias: Tensor
    score: Tensor
    gate_word: Tensor
    gate_context: Tensor
    gate_state: Tensor
    gate_bias: Tensor
    gate_state_bias: Tensor
    output: Tensor
    output_bias: Tensor
    end: Tensor

    def __init__(self, bank: HeadBank, longest: int) -> None:
        """``bank`` has one head without a convolution. Raises ValueError for any other."""
        super().__init__()
        if bank.heads != 1 or bank.convolve:
            raise ValueError(f"a bank of {bank.heads} heads{' with a convolution' * bank.convolve}: only one plain head can be exported")
        self.grid, self.features, self.hidden = bank.grid, bank.features, bank.hidden
        self.longest = longest
        # A tensor, so that heads of different charsets have one graph.
        self.register_buffer("end", torch.tensor(bank.classes - 1))
        for name, parameter in bank.named_parameters():
            self.register_buffer(name, parameter.detach()[0].clone())

    def _keys(self, words: Tensor) -> Tensor:
        """Return the attention's keys of words (w, l, f), (w, l, h)."""
        columns, rows = self.place[: self.grid.columns], self.place[self.grid.columns :]
        places = (rows[:, None] + columns[None]).flatten(0, 1) + self.attention_bias
        return words @ self.key + places

    def _word_gates(self) -> Tensor:
        """Return the share of the GRU's input gates of every previous character, (c, 3h)."""
        return (self.embedding @ self.word + self.word_bias) @ self.gate_word + self.gate_bias

    def _place_gates(self) -> Tensor:
        """Return the share of the GRU's input gates of every attended position, (l, 3h)."""
        columns = self.gate_context[self.features : self.features + self.grid.columns]
        rows = self.gate_context[self.features + self.grid.columns :]
        return (rows[:, None] + columns[None]).flatten(0, 1)

    def _attention(self, energies: Tensor) -> Tensor:
        """Return the attention (..., l) of keys plus queries (..., l, h)."""
        # As a matrix of one column, onnxruntime multiplies the score in a fifth of the time.
        scores = torch.tanh(energies).reshape(-1, self.hidden) @ self.score[:, None]
        return scores.reshape(energies.shape[:-1]).softmax(-1)

    def _advance(self, projected: Tensor, inputs: Tensor, state: Tensor) -> Tensor:
        """Return the next state (n, h) of the GRU from its recurrent and its input gates."""
        h = self.hidden
        recurrent = projected[:, h:] + self.gate_state_bias
        gates = torch.sigmoid(inputs[:, : 2 * h] + recurrent[:, : 2 * h])
        candidate = torch.tanh(inputs[:, 2 * h :] + gates[:, :h] * recurrent[:, 2 * h :])
        return candidate + gates[:, h:] * (state - candidate)

    def _confidence(self, classes: Tensor, total: Tensor) -> Tensor:
        """Return the mean probability of each word's characters and its end."""
        characters = (classes != self.end).sum(1)
        return (total / (characters + (characters < self.longest))).to(torch.float32)


class GreedyLoop(_LoopReader):
    """Read words by the most probable character of every step."""

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return classes (w, s), filled up with the end class, and confidence (w,) of words (w, l, f)."""
        keys, word_gates = self._keys(words), self._word_gates()
        place_gates, context = self._place_gates(), self.gate_context[: self.features]
        query_and_state = torch.cat([self.query, self.gate_state], 1)
        steps = torch.arange(self.longest)

        def unfinished(step: Tensor, state: Tensor, previous: Tensor, classes: Tensor, total: Tensor, ended: Tensor) -> Tensor:
            return (step < self.longest) & ~ended.all()

        def body(step: Tensor, state: Tensor, previous: Tensor, classes: Tensor, total: Tensor, ended: Tensor) -> tuple[Tensor, ...]:
            projected = state @ query_and_state
            attention = self._attention(keys + projected[:, None, : self.hidden])
            attended = (attention[:, None] @ words)[:, 0]
            inputs = word_gates[previous] + attended @ context + attention @ place_gates
            state = self._advance(projected, inputs, state)
            best, character = (state @ self.output + self.output_bias).softmax(-1).max(-1)
            character = torch.where(ended, self.end, character)
            classes = torch.where(steps == step, character[:, None], classes)
            total = total + torch.where(ended, 0.0, best.double())
            return step + 1, state, character, classes, total, ended | (character == self.end)

        count = words.shape[0]
        start = (
            torch.zeros((), dtype=torch.int64), words.new_zeros(count, self.hidden), torch.full((count,), BEGIN, dtype=torch.int64),
            self.end.expand(count, self.longest).clone(), torch.zeros(count, dtype=torch.float64),
            torch.zeros(count, dtype=torch.bool),
        )  # fmt: skip
        _, _, _, classes, total, _ = while_loop(unfinished, body, start)
        return classes, self._confidence(classes, total)


class BeamLoop(_LoopReader):
    """Read words by the most probable beams."""

    def __init__(self, bank: HeadBank, longest: int, width: int) -> None:
        """Raises ValueError if ``width`` is below 1 or above the number of classes that a beam may choose."""
        super().__init__(bank, longest)
        if not 1 <= width < bank.classes:
            raise ValueError(f"width is {width}: it must be from 1 to {bank.classes - 1}, the number of classes that a beam may choose")
        self.width = width

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return classes (w, s), filled up with the end class, and confidence (w,) of words (w, l, f)."""
        count, k = words.shape[0], self.width
        keys, word_gates = self._keys(words)[:, None], self._word_gates()
        # All beams of a word attend to the same positions, so their gates are computed once.
        position_gates = words @ self.gate_context[: self.features] + self._place_gates()
        query_and_state = torch.cat([self.query, self.gate_state], 1)
        steps = torch.arange(self.longest)
        is_first = torch.arange(k) == 0

        def unfinished(step: Tensor, *carried: Tensor) -> Tensor:
            return (step < self.longest) & ~carried[-1][:, 0].all()

        def body(
            step: Tensor, state: Tensor, previous: Tensor, classes: Tensor, product: Tensor, total: Tensor, ended: Tensor
        ) -> tuple[Tensor, ...]:  # fmt: skip
            flat = state.flatten(0, 1)
            projected = flat @ query_and_state
            queries = projected[:, : self.hidden].reshape(count, k, self.hidden)
            attention = self._attention(keys + queries[:, :, None])
            inputs = (attention @ position_gates).flatten(0, 1) + word_gates[previous.flatten()]
            flat = self._advance(projected, inputs, flat)
            probabilities = (flat @ self.output + self.output_bias).softmax(-1)[:, BEGIN + 1 :]
            best, characters = (part.reshape(count, k, k) for part in probabilities.topk(k))
            state = flat.reshape(count, k, self.hidden)
            best, characters = best.double(), characters + BEGIN + 1
            # A beam that has ended is one candidate, with its own product.
            alone = torch.where(is_first, product[..., None], NO_BEAM)
            candidates = torch.where(ended[..., None], alone, product[..., None] * best)
            product, order = candidates.flatten(1).topk(k)
            parent = order // k
            character = characters.flatten(1).gather(1, order)
            was_ended = ended.gather(1, parent)
            state = state.gather(1, parent[..., None].expand(-1, -1, self.hidden))
            classes = classes.gather(1, parent[..., None].expand(-1, -1, self.longest))
            character = torch.where(was_ended, self.end, character)
            classes = torch.where(steps == step, character[..., None], classes)
            total = total.gather(1, parent) + torch.where(was_ended, 0.0, best.flatten(1).gather(1, order))
            return step + 1, state, character, classes, product, total, was_ended | (character == self.end) | (product < 0)

        # Each word begins with one beam. The others do not exist yet.
        start = (
            torch.zeros((), dtype=torch.int64), words.new_zeros(count, k, self.hidden), torch.full((count, k), BEGIN, dtype=torch.int64),
            self.end.expand(count, k, self.longest).clone(),
            torch.where(is_first, 1.0, NO_BEAM).double().expand(count, k).clone(), torch.zeros(count, k, dtype=torch.float64),
            (~is_first).expand(count, k).clone(),
        )  # fmt: skip
        _, _, _, classes, _, total, _ = while_loop(unfinished, body, start)
        return classes[:, 0], self._confidence(classes[:, 0], total[:, 0])


def while_loop(condition: Callable[..., Tensor], body: Callable[..., tuple[Tensor, ...]], start: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Call torch's ``while_loop``, which older versions keep in another module."""
    loop: Any = getattr(torch, "while_loop", None)
    if loop is None:
        from torch._higher_order_ops.while_loop import while_loop as loop
    result: tuple[Tensor, ...] = loop(condition, body, start)
    return result
