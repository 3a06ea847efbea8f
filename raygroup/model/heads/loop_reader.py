"""The reader of one head as a module that ``torch.onnx.export`` can write.

It reads as ``decoding.Reader`` does, by ``while_loop``. A word that has ended stays in the loop, so
tensors keep their shapes. The loop ends with the last word.

Shapes: w words, k beams, l positions, h hidden, f features, s steps.
"""

from collections.abc import Callable
from typing import Any

import torch
from torch import Tensor

from raygroup.model.heads.bank import BEGIN, HeadBank
from raygroup.model.heads.beams import NO_BEAM
from raygroup.model.heads.loop_weights import EncodedWords, LoopWeights


class GreedyLoop(LoopWeights):
    """Read words by the most probable character of every step."""

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return classes (w, s) and confidence (w,) of words (w, l, f).

        Classes are filled up with the end class.
        """
        encoded = EncodedWords(words, self.keys(words), self.place_gates(), self.word_gates(), self.query_and_state())

        def unfinished(step: Tensor, *carried: Tensor) -> Tensor:
            return (step < self.longest) & ~carried[-1].all()

        def body(step: Tensor, state: Tensor, previous: Tensor, classes: Tensor, total: Tensor, ended: Tensor) -> tuple[Tensor, ...]:
            state, best, character = self._step(encoded, state, previous)
            character = torch.where(ended, self.end, character)
            classes = torch.where(torch.arange(self.longest) == step, character[:, None], classes)
            total = total + torch.where(ended, 0.0, best.double())
            return step + 1, state, character, classes, total, ended | (character == self.end)

        count = words.shape[0]
        start = (
            torch.zeros((), dtype=torch.int64), words.new_zeros(count, self.hidden), torch.full((count,), BEGIN, dtype=torch.int64),
            self.end.expand(count, self.longest).clone(), torch.zeros(count, dtype=torch.float64), torch.zeros(count, dtype=torch.bool),
        )  # fmt: skip
        _, _, _, classes, total, _ = while_loop(unfinished, body, start)
        return classes, self.confidence(classes, total)

    def _step(self, encoded: EncodedWords, state: Tensor, previous: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the next state, the probability of the likeliest character, and the character."""
        projected = state @ encoded.query_and_state
        attention = self.attention(encoded.keys + projected[:, None, : self.hidden])
        attended = (attention[:, None] @ encoded.words)[:, 0]
        inputs = encoded.word_gates[previous] + attended @ self.gate_context[: self.features] + attention @ encoded.position_gates
        state = self.advance(projected, inputs, state)
        best, character = (state @ self.output + self.output_bias).softmax(-1).max(-1)
        return state, best, character


class BeamLoop(LoopWeights):
    """Read words by the most probable beams."""

    def __init__(self, bank: HeadBank, longest: int, width: int) -> None:
        """Raises ValueError if a beam may not choose from ``width`` classes."""
        super().__init__(bank, longest)
        if not 1 <= width < bank.classes:
            raise ValueError(f"width is {width}: it must be from 1 to {bank.classes - 1}, the number of classes that a beam may choose")
        self.width = width

    def forward(self, words: Tensor) -> tuple[Tensor, Tensor]:
        """Return classes (w, s) and confidence (w,) of words (w, l, f).

        Classes are filled up with the end class.
        """
        count, k = words.shape[0], self.width
        # All beams of a word attend to the same positions, so the gates of these are computed once.
        position_gates = words @ self.gate_context[: self.features] + self.place_gates()
        encoded = EncodedWords(words, self.keys(words)[:, None], position_gates, self.word_gates(), self.query_and_state())
        is_first = torch.arange(k) == 0

        def unfinished(step: Tensor, *carried: Tensor) -> Tensor:
            return (step < self.longest) & ~carried[-1][:, 0].all()

        def body(step: Tensor, *beams: Tensor) -> tuple[Tensor, ...]:
            return step + 1, *self._extend(encoded, step, *beams)

        # Each word begins with one beam. The others do not exist yet.
        start = (
            torch.zeros((), dtype=torch.int64), words.new_zeros(count, k, self.hidden), torch.full((count, k), BEGIN, dtype=torch.int64),
            self.end.expand(count, k, self.longest).clone(), torch.where(is_first, 1.0, NO_BEAM).double().expand(count, k).clone(),
            torch.zeros(count, k, dtype=torch.float64), (~is_first).expand(count, k).clone(),
        )  # fmt: skip
        _, _, _, classes, _, total, _ = while_loop(unfinished, body, start)
        return classes[:, 0], self.confidence(classes[:, 0], total[:, 0])

    def _extend(self, encoded: EncodedWords, step: Tensor, *beams: Tensor) -> tuple[Tensor, ...]:
        """Extend the beams by one character and keep the best, as ``Beams.extend`` does."""
        state, previous, classes, product, total, ended = beams
        state, best, characters = self._step(encoded, state, previous)
        # A beam that has ended is one candidate, with its own product.
        alone = torch.where(torch.arange(self.width) == 0, product[..., None], NO_BEAM)
        candidates = torch.where(ended[..., None], alone, product[..., None] * best)
        product, order = candidates.flatten(1).topk(self.width)
        parent = order // self.width
        character = characters.flatten(1).gather(1, order)
        was_ended = ended.gather(1, parent)
        state = state.gather(1, parent[..., None].expand(-1, -1, self.hidden))
        classes = classes.gather(1, parent[..., None].expand(-1, -1, self.longest))
        character = torch.where(was_ended, self.end, character)
        classes = torch.where(torch.arange(self.longest) == step, character[..., None], classes)
        total = total.gather(1, parent) + torch.where(was_ended, 0.0, best.flatten(1).gather(1, order))
        return state, character, classes, product, total, was_ended | (character == self.end) | (product < 0)

    def _step(self, encoded: EncodedWords, state: Tensor, previous: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """Return the next states (w, k, h), and each beam's likeliest classes.

        The classes and their probabilities (float64) are (w, k, k).
        """
        count, k = state.shape[0], self.width
        flat = state.flatten(0, 1)
        projected = flat @ encoded.query_and_state
        queries = projected[:, : self.hidden].reshape(count, k, self.hidden)
        attention = self.attention(encoded.keys + queries[:, :, None])
        inputs = (attention @ encoded.position_gates).flatten(0, 1) + encoded.word_gates[previous.flatten()]
        flat = self.advance(projected, inputs, flat)
        probabilities = (flat @ self.output + self.output_bias).softmax(-1)[:, BEGIN + 1 :]
        best, characters = (part.reshape(count, k, k) for part in probabilities.topk(k))
        return flat.reshape(count, k, self.hidden), best.double(), characters + BEGIN + 1


def while_loop(condition: Callable[..., Tensor], body: Callable[..., tuple[Tensor, ...]], start: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Call torch's ``while_loop``, which older versions keep in another module."""
    loop: Any = getattr(torch, "while_loop", None)
    if loop is None:
        from torch._higher_order_ops.while_loop import while_loop as loop
    result: tuple[Tensor, ...] = loop(condition, body, start)
    return result
