"""The recognition heads M_j: the paper's attention decoder, all heads one stacked module with a leading head axis.

Shapes: m heads, w words, l = rows x columns positions, f features, h hidden, e embed, c classes, n characters in all.
"""

from types import SimpleNamespace
from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

BEGIN = 0
"""Class of the begin of a word, of a hidden and of an unsupported character."""


class HeadBank(nn.Module):
    """m attention decoders over word features: embedding, Bahdanau attention with the position one-hot, GRU, output layer.

    With ``convolve`` the features (w, f, 2 rows, 2 columns) pass the paper's 3x3 convolution and pooling first (Table 4's head);
    without it they are (w, rows x columns, f) and used as they are (laptop scale).
    """

    def __init__(
        self, heads: int, classes: int, *, features: int, positions: tuple[int, int], embed: int, hidden: int, convolve: bool = False
    ) -> None:
        super().__init__()
        self.heads, self.classes, self.hidden, self.positions = heads, classes, hidden, positions
        encoded = hidden if convolve else features
        places = sum(positions)
        self.convolution = nn.Parameter(torch.empty(heads, hidden, features, 3, 3)) if convolve else None
        self.convolution_bias = nn.Parameter(torch.zeros(heads, hidden)) if convolve else None
        self.embedding = nn.Parameter(torch.empty(heads, classes, embed))
        self.word = nn.Parameter(torch.empty(heads, embed, hidden))
        self.word_bias = nn.Parameter(torch.zeros(heads, hidden))
        self.query = nn.Parameter(torch.empty(heads, hidden, hidden))
        self.key = nn.Parameter(torch.empty(heads, encoded, hidden))
        self.place = nn.Parameter(torch.empty(heads, places, hidden))
        self.attention_bias = nn.Parameter(torch.zeros(heads, hidden))
        self.score = nn.Parameter(torch.empty(heads, hidden))
        self.gate_word = nn.Parameter(torch.empty(heads, hidden, 3 * hidden))
        self.gate_context = nn.Parameter(torch.empty(heads, encoded + places, 3 * hidden))
        self.gate_state = nn.Parameter(torch.empty(heads, hidden, 3 * hidden))
        self.gate_bias = nn.Parameter(torch.zeros(heads, 3 * hidden))
        self.gate_state_bias = nn.Parameter(torch.zeros(heads, 3 * hidden))
        self.output = nn.Parameter(torch.empty(heads, hidden, classes))
        self.output_bias = nn.Parameter(torch.zeros(heads, classes))

    @torch.no_grad()
    def initialise(self, head: int, random: torch.Generator) -> None:
        """Fresh weights for one head: uniform by fan-in, biases zero, embedding of unit variance."""
        for name, parameter in self.named_parameters():
            weight = parameter[head]
            if name.endswith("bias"):
                weight.zero_()
            elif name == "embedding":
                weight.normal_(generator=random)
            else:
                fan_in = weight[0].numel() if name == "convolution" else weight.shape[0]
                weight.uniform_(-(fan_in**-0.5), fan_in**-0.5, generator=random)

    def states(self, words: Tensor, targets: Tensor, lengths: Tensor, hidden_characters: Tensor | None = None) -> Tensor:
        """Teacher-forced decoder states of every head on every word: (m, n, h), the n characters step by step, the words of a step
        in the given order.

        ``targets`` (w, longest) are classes, the last of each word its end; ``lengths`` (w,) count them and must not increase, so
        that finished words drop out. ``hidden_characters`` (w, longest), bool, marks the decoder inputs to hide (word dropout).
        """
        heads = self._weights(slice(None))
        values, keys = _encoded(heads, words, self.positions)
        previous = F.pad(targets[:, :-1], (1, 0), value=BEGIN)
        if hidden_characters is not None:
            previous = previous.masked_fill(hidden_characters, BEGIN)
        gates = _word_gates(heads, previous.T)
        state = values.new_zeros(self.heads, len(words), self.hidden)
        steps = []
        for step, active in enumerate(still_reading(lengths)):
            state = _step(heads, values[:, :active], keys[:, :active], gates[:, step, :active], state[:, :active], self.positions)
            steps.append(state)
        return torch.cat(steps, 1)

    def logits(self, states: Tensor) -> Tensor:
        """(m, n, h) -> (m, n, c)."""
        return _logits(states, self.output, self.output_bias)

    @torch.no_grad()
    def greedy(self, words: Tensor, head: int, longest: int) -> tuple[Tensor, Tensor]:
        """The most probable character at every step, by one head: classes (w, longest), filled up with the end class, and the score
        of each word, the mean probability of its characters and its end."""
        heads = self._weights(slice(head, head + 1))
        values, keys = _encoded(heads, words, self.positions)
        end = self.classes - 1
        state = values.new_zeros(1, len(words), self.hidden)
        device = words.device
        read = torch.full((len(words), longest), end, device=device)
        scores, counts = torch.zeros(len(words), device=device), torch.zeros(len(words), device=device)
        going = torch.arange(len(words), device=device)
        previous = torch.full((1, len(words)), BEGIN, device=device)
        for step in range(longest):
            gates = _word_gates(heads, previous)[:, 0]
            state = _step(heads, values, keys, gates, state, self.positions)
            best, chosen = _logits(state, heads.output, heads.output_bias)[0].softmax(-1).max(-1)
            read[going, step] = chosen
            scores[going] += best
            counts[going] += 1
            on = (chosen != end).nonzero().squeeze(1)
            if not len(on):
                break
            going, state, values, keys, previous = going[on], state[:, on], values[:, on], keys[:, on], chosen[None, on]
        return read, scores / counts.clamp(min=1)

    def _weights(self, which: slice) -> SimpleNamespace:
        return SimpleNamespace(**{name: parameter[which] for name, parameter in self.named_parameters()})


class _Scores(torch.autograd.Function):
    """Bahdanau's score . tanh(key + query) of every position, (m, w, l); one array is kept for the way back, not three."""

    @staticmethod
    def forward(ctx: Any, keys: Tensor, queries: Tensor, score: Tensor) -> Tensor:
        m, w, length, h = keys.shape
        energies = (keys + queries[:, :, None]).tanh_()
        ctx.save_for_backward(energies, score)
        return torch.bmm(energies.view(m, -1, h), score[..., None]).view(m, w, length)

    @staticmethod
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        (of_scores,) = gradients
        energies, score = ctx.saved_tensors
        m, _, _, h = energies.shape
        of_score = torch.bmm(of_scores.reshape(m, 1, -1), energies.view(m, -1, h))[:, 0]
        of_keys = torch.addcmul(score[:, None, None], energies * score[:, None, None], energies, value=-1).mul_(of_scores[..., None])
        return of_keys, of_keys.sum(2), of_score


def _logits(states: Tensor, output: Tensor, bias: Tensor) -> Tensor:
    """The output layer, its bias as one more row of weights: one product, and no copy of the bias for every character."""
    return torch.bmm(F.pad(states, (0, 1), value=1.0), torch.cat([output, bias[:, None]], 1))


def still_reading(lengths: Tensor) -> list[int]:
    """How many words have a character at each step; ``lengths`` must not increase."""
    return [int((lengths > step).sum()) for step in range(int(lengths[0]))] if len(lengths) else []


def _encoded(heads: SimpleNamespace, words: Tensor, positions: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """What is attended to (1 or m, w, l, f) and its projection for the attention (m, w, l, h), once for all steps."""
    rows, columns = positions
    if hasattr(heads, "convolution"):
        m, h = heads.convolution_bias.shape
        planes = F.conv2d(words, heads.convolution.flatten(0, 1), heads.convolution_bias.flatten(), padding=1)
        pooled = F.max_pool2d(planes.relu(), 2, 2, ceil_mode=True)
        values = pooled.view(len(words), m, h, rows * columns).permute(1, 0, 3, 2)
    else:
        values = words[None]
    by_column = heads.place[:, None, :columns].expand(-1, rows, -1, -1)
    by_row = heads.place[:, columns:, None].expand(-1, -1, columns, -1)
    places = (by_column + by_row).flatten(1, 2) + heads.attention_bias[:, None]
    return values, _projected(values, heads.key) + places[:, None]


def _projected(values: Tensor, key: Tensor) -> Tensor:
    """(1 or m, w, l, f) times (m, f, h): words that all heads share are multiplied once, by the heads' weights side by side."""
    _, w, length, f = values.shape
    if len(values) == len(key):
        return torch.bmm(values.flatten(1, 2), key).view(len(key), w, length, -1)
    together = values.reshape(w * length, f) @ key.transpose(0, 1).flatten(1)
    return together.view(w, length, *key.shape[::2]).permute(2, 0, 1, 3)


def _word_gates(heads: SimpleNamespace, previous: Tensor) -> Tensor:
    """The share of the GRU's input gates that comes from the character before: (m, steps, w, 3h) for ``previous`` (steps, w)."""
    characters = heads.embedding[:, previous.flatten()]
    projected = torch.baddbmm(heads.word_bias[:, None], characters, heads.word)
    gates = torch.baddbmm(heads.gate_bias[:, None], projected, heads.gate_word)
    return gates.view(len(gates), *previous.shape, -1)


def _step(heads: SimpleNamespace, values: Tensor, keys: Tensor, word_gates: Tensor, state: Tensor, positions: tuple[int, int]) -> Tensor:
    """One character further: attention over the positions, then the GRU; returns the new state (m, w, h)."""
    m, w, h = state.shape
    queries = torch.bmm(state, heads.query)
    scores: Tensor = _Scores.apply(keys, queries, heads.score)  # type: ignore[no-untyped-call]
    attention = scores.softmax(-1)
    if len(values) == 1:
        context = torch.bmm(attention.transpose(0, 1), values[0]).transpose(0, 1)
    else:
        context = torch.matmul(attention[:, :, None], values)[:, :, 0]
    grid = attention.view(m, w, *positions)
    seen = torch.cat([context, grid.sum(2), grid.sum(3)], -1)
    inputs = torch.baddbmm(word_gates, seen, heads.gate_context)
    recurrent = torch.baddbmm(heads.gate_state_bias[:, None], state, heads.gate_state)
    reset, update = torch.sigmoid(inputs[..., : 2 * h] + recurrent[..., : 2 * h]).chunk(2, -1)
    candidate = torch.tanh(inputs[..., 2 * h :] + reset * recurrent[..., 2 * h :])
    return candidate + update * (state - candidate)
