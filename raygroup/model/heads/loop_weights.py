"""The weights of one head in a form that ``torch.onnx.export`` can write.

Everything is in plain operators: the kernels of training are tricks of a CPU, and onnxruntime has its
own.

Shapes: w words, n rows, l positions, h hidden, f features, c classes, s steps.
"""

from typing import NamedTuple

import torch
from torch import Tensor, nn

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.location_tables import LocatedHeadBank


class LoopWeights(nn.Module):
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
        located = isinstance(bank, LocatedHeadBank)
        if bank.heads != 1 or bank.convolve or located:
            extras = " with a convolution" * bank.convolve + " with location tables" * located
            raise ValueError(f"a bank of {bank.heads} heads{extras}: only one plain head can be exported")
        self.grid, self.features, self.hidden = bank.grid, bank.features, bank.hidden
        self.longest = longest
        # A tensor, so that heads of different charsets have one graph.
        self.register_buffer("end", torch.tensor(bank.classes - 1))
        for name, parameter in bank.named_parameters():
            self.register_buffer(name, parameter.detach()[0].clone())

    def keys(self, words: Tensor) -> Tensor:
        """Return the attention's keys of words (w, l, f), (w, l, h)."""
        columns, rows = self.place[: self.grid.columns], self.place[self.grid.columns :]
        places = (rows[:, None] + columns[None]).flatten(0, 1) + self.attention_bias
        return words @ self.key + places

    def word_gates(self) -> Tensor:
        """Return each previous character's share of the GRU's input gates, (c, 3h)."""
        return (self.embedding @ self.word + self.word_bias) @ self.gate_word + self.gate_bias

    def place_gates(self) -> Tensor:
        """Return each attended position's share of the GRU's input gates, (l, 3h)."""
        columns = self.gate_context[self.features : self.features + self.grid.columns]
        rows = self.gate_context[self.features + self.grid.columns :]
        return (rows[:, None] + columns[None]).flatten(0, 1)

    def query_and_state(self) -> Tensor:
        """Return the weights of the query beside the GRU's recurrent ones, (h, 4h)."""
        return torch.cat([self.query, self.gate_state], 1)

    def attention(self, energies: Tensor) -> Tensor:
        """Return the attention (..., l) of keys plus queries (..., l, h)."""
        # As a matrix of one column, onnxruntime multiplies the score in a fifth of the time.
        scores = torch.tanh(energies).reshape(-1, self.hidden) @ self.score[:, None]
        return scores.reshape(energies.shape[:-1]).softmax(-1)

    def advance(self, projected: Tensor, inputs: Tensor, state: Tensor) -> Tensor:
        """Return the GRU's next state (n, h) from its gates."""
        h = self.hidden
        recurrent = projected[:, h:] + self.gate_state_bias
        gates = torch.sigmoid(inputs[:, : 2 * h] + recurrent[:, : 2 * h])
        candidate = torch.tanh(inputs[:, 2 * h :] + gates[:, :h] * recurrent[:, 2 * h :])
        return candidate + gates[:, h:] * (state - candidate)

    def confidence(self, classes: Tensor, total: Tensor) -> Tensor:
        """Return the mean probability of each word's characters and its end."""
        characters = (classes != self.end).sum(1)
        return (total / (characters + (characters < self.longest))).to(torch.float32)


class EncodedWords(NamedTuple):
    """Tensors of words and weights that all steps share."""

    words: Tensor
    keys: Tensor
    position_gates: Tensor
    """The share of the GRU's input gates of the attended positions."""
    word_gates: Tensor
    query_and_state: Tensor
