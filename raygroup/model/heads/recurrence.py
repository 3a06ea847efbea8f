"""The teacher-forced decoder of many heads on many words, from the first character to the last, with its own way back.

The GRU and the attention follow each other step by step, but weights are the same at every step: their gradients are formed after
the way back, as one product over all characters. Nothing of the size of the energies is kept from step to step; they are computed anew.

Shapes: m heads, w words longest first, n characters step by step (the words of a step in order), l positions, h hidden, e encoded,
p rows + columns. ``active`` says how many words each step has.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from raygroup.model.heads.attention import Energies


class Cell(NamedTuple):
    """The weights of a step, heads first."""

    query_and_state: Tensor
    """(m, h, h + 3h): the attention's query beside the GRU's recurrent weights."""
    state_bias: Tensor
    """(m, 3h)"""
    context: Tensor
    """(m, e + p, 3h): the GRU's input weights for what was attended to."""
    score: Tensor
    """(m, h)"""


class Grid(NamedTuple):
    """Where the positions lie."""

    rows: int
    columns: int


class Form(NamedTuple):
    """How a pass is computed."""

    attention: str
    """One of the forms of ``Energies``."""
    trials: int = 1
    """Into how many equal parts the heads fall: a product with words that all heads share is one for each part, so that a trial's
    numbers do not depend on how many are beside it."""


def decoder_states(values: Tensor, keys: Tensor, gates: Tensor, cell: Cell, active: Sequence[int], grid: Grid, form: Form) -> Tensor:
    """(m, n, h): each head's state at each character. ``values`` (w, m or 1, l, e), ``keys`` (w, m, l, h); ``gates`` (m, n, 3h) is the
    share of the GRU's input gates that comes from the characters before."""
    if values.shape[1] == 1 and form.trials > 1:
        values = values.expand(-1, form.trials, -1, -1).contiguous()
    states: Tensor = _Recurrence.apply(values, keys, gates, *cell, tuple(active), grid, form.attention)  # type: ignore[no-untyped-call]
    return states


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: Tensor, keys: Tensor, gates: Tensor, query_and_state: Tensor, state_bias: Tensor, context: Tensor, score: Tensor,
        active: tuple[int, ...], grid: Grid, attention: str,
    ) -> Tensor:  # fmt: skip
        cell = Cell(query_and_state, state_bias, context, score)
        energies = Energies(keys, score, attention)
        state = gates.new_zeros(len(gates), active[0] if active else 0, score.shape[-1])
        row = 0
        states: list[Tensor] = []
        kept: list[Tensor] = []
        for count in active:
            state, step = _forward_step(values, energies, gates[:, row : row + count], cell, state[:, :count], grid)
            states.append(state)
            kept.extend(step)
            row += count
        found = torch.cat(states, 1) if states else gates.new_zeros(len(gates), 0, score.shape[-1])
        ctx.save_for_backward(values, keys, *cell, found, *kept)
        ctx.active, ctx.grid, ctx.attention = active, grid, attention
        return found

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        values, keys, *weights = ctx.saved_tensors[:6]
        states, *kept = ctx.saved_tensors[6:]
        back = _Back(values, keys, Cell(*weights), states, ctx.grid, ctx.attention, len(ctx.active), ctx.needs_input_grad[0])
        of_state, row = None, states.shape[1]
        for number in reversed(range(len(ctx.active))):
            count = ctx.active[number]
            row -= count
            of_states = gradients[0][:, row : row + count]
            if of_state is not None:
                longer = of_state.shape[1]
                of_states = torch.cat([of_states[:, :longer] + of_state, of_states[:, longer:]], 1)
            before = states[:, row - ctx.active[number - 1] : row - ctx.active[number - 1] + count] if number else None
            of_state = back.step(number, of_states, before, kept[5 * number : 5 * number + 5])
        return (*back.gradients(ctx.active), None, None, None)


def _forward_step(
    values: Tensor, energies: Energies, gates: Tensor, cell: Cell, state: Tensor, grid: Grid
) -> tuple[Tensor, tuple[Tensor, ...]]:
    """One character further: the new state (m, w, h), and what the way back needs."""
    h = state.shape[-1]
    asked = torch.bmm(state, cell.query_and_state)
    queries, recurrent = asked[..., :h].transpose(0, 1), asked[..., h:] + cell.state_bias[:, None]
    attention = energies.scores(queries).softmax(-1)
    seen = attended(values, attention, grid)
    inputs = torch.baddbmm(gates, seen, cell.context)
    opened = torch.sigmoid(inputs[..., : 2 * h] + recurrent[..., : 2 * h])
    remembered = recurrent[..., 2 * h :].contiguous()
    candidate = torch.addcmul(inputs[..., 2 * h :], opened[..., :h], remembered).tanh_()
    return torch.lerp(candidate, state, opened[..., h:]), (
        queries.contiguous(),
        attention,
        seen,
        opened,
        torch.stack([remembered, candidate]),
    )


def attended(values: Tensor, attention: Tensor, grid: Grid) -> Tensor:
    """What each head saw, (m, w, e + columns + rows): the mean of the first w ``values`` (w, v, l, e), each shared by m / v heads, under
    ``attention`` (w, m, l), and where."""
    w, m, length = attention.shape
    v = values.shape[1]
    context = attention.view(w * v, m // v, length).bmm(values[:w].view(w * v, length, -1)).view(w, m, -1)
    places = attention.view(w, m, *grid)
    return torch.cat([context, places.sum(2), places.sum(3)], -1).transpose(0, 1)


class _Back:
    """The way back: steps in reverse, then the gradients of everything at once."""

    def __init__(
        self, values: Tensor, keys: Tensor, cell: Cell, states: Tensor, grid: Grid, attention: str, steps: int, trains_values: bool
    ) -> None:
        self.values, self.cell, self.states, self.grid = values, cell, states, grid
        self.energies = Energies(keys, cell.score, attention)
        self.of_keys, self.of_score = torch.zeros_like(keys), torch.zeros_like(cell.score)
        self.steps: list[tuple[Tensor, ...]] = []
        self.product = torch.empty_like(values)
        w, m, length, _ = keys.shape
        self.attention = keys.new_zeros(w, m, steps, length) if trains_values else None
        self.of_context = keys.new_zeros(w, m, steps, values.shape[-1]) if trains_values else None
        self.context_back, self.state_back = cell.context.transpose(1, 2), cell.query_and_state.transpose(1, 2)

    def step(self, number: int, of_states: Tensor, before: Tensor | None, kept: Sequence[Tensor]) -> Tensor:
        """The gradient of the state before a step from that of the states after it, both (m, w, h)."""
        queries, attention, seen, opened, (remembered, candidate) = kept
        h = of_states.shape[-1]
        reset, update = opened[..., :h], opened[..., h:]
        before = torch.zeros_like(candidate) if before is None else before
        kept_back = of_states * update
        of_candidate = (of_states - kept_back) * (1 - candidate * candidate)
        of_opened = torch.cat([of_candidate * remembered, of_states * (before - candidate)], -1) * (opened - opened * opened)
        of_inputs = torch.cat([of_opened, of_candidate], -1)
        of_seen = of_inputs.bmm(self.context_back)
        of_queries = self._attention_step(number, of_seen, attention, queries)
        of_asked = torch.cat([of_queries, of_opened, of_candidate * reset], -1)
        self.steps.append((of_inputs, of_asked, seen, before))
        return torch.baddbmm(kept_back, of_asked, self.state_back)

    def gradients(self, active: Sequence[int]) -> tuple[Tensor | None, ...]:
        """Of values, keys, word gates, and the four weights of the cell."""
        score = self.cell.score
        if not active:
            return (None, self.of_keys, score.new_zeros(len(score), 0, 3 * score.shape[-1]), *map(torch.zeros_like, self.cell))
        of_gates, of_asked, seen, before = (torch.cat(part, 1) for part in zip(*reversed(self.steps), strict=True))
        h = before.shape[-1]
        of_values = None
        if self.attention is not None and self.of_context is not None:
            w, v = self.values.shape[:2]
            attention, of_context = (part.view(w, v, -1, part.shape[-1]) for part in (self.attention, self.of_context))
            of_values = torch.matmul(attention.transpose(2, 3), of_context)
        of_weights = (before.transpose(1, 2).bmm(of_asked), of_asked[..., h:].sum(1), seen.transpose(1, 2).bmm(of_gates), self.of_score)
        return (of_values, self.of_keys.mul_(score[:, None]), of_gates, *of_weights)

    def _attention_step(self, number: int, of_seen: Tensor, attention: Tensor, queries: Tensor) -> Tensor:
        w, m, length = attention.shape
        e, (rows, columns) = self.values.shape[-1], self.grid
        of_seen = of_seen.transpose(0, 1)
        of_context = of_seen[..., :e].contiguous()
        if self.attention is not None and self.of_context is not None:
            self.attention[:w, :, number], self.of_context[:w, :, number] = attention, of_context
        v = self.values.shape[1]
        if v < m:
            by_trial = self.values[:w].view(w * v, length, e).transpose(1, 2)
            of_attention = of_context.view(w * v, m // v, e).bmm(by_trial).view(w, m, length)
        else:
            of_attention = torch.mul(self.values[:w], of_context[:, :, None], out=self.product[:w]).sum(-1)
        places = of_seen[..., e : e + columns].unsqueeze(2) + of_seen[..., e + columns :].unsqueeze(3)
        of_attention = of_attention + places.reshape(w, m, rows * columns)
        of_scores = attention * (of_attention - (attention * of_attention).sum(-1, keepdim=True))
        of_queries, of_score = self.energies.backward(queries, of_scores, self.of_keys)
        self.of_score += of_score
        return (of_queries * self.cell.score).transpose(0, 1)
