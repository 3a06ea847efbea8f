"""The backward pass of the decoder.

The pass goes through the steps in reverse. The weights are the same at every step. Instead of
adding to their gradients step by step, the pass stores each step's factors and multiplies them at
the end, in one product over all characters.

Shapes: m heads, w words of a step, n characters of all steps, l positions, h hidden, e features of
a value, p = rows + columns of the grid, v values of a word, each shared by m / v heads.
"""

from collections.abc import Sequence
from typing import NamedTuple

import torch
from torch import Tensor

from raygroup.model.heads.attention import Energies
from raygroup.model.heads.cell import Cell, Grid, StepTensors


class _StepFactors(NamedTuple):
    """The factors of one step's weight gradients."""

    grad_inputs: Tensor
    """(m, w, 3h)"""
    grad_projected: Tensor
    """Gradient of the query and of the recurrent gates, (m, w, h + 3h)."""
    attended: Tensor
    """(m, w, e + p)"""
    state: Tensor
    """State before the step, (m, w, h)."""


class BackwardPass:
    """The gradients of one call of the decoder, collected step by step."""

    def __init__(
        self, values: Tensor, keys: Tensor, cell: Cell, grid: Grid, attention: str, steps: int, trains_values: bool, own_words: bool
    ) -> None:
        """``attention`` is one of the forms of ``Energies``.

        With ``trains_values``, values get gradients too. With ``own_words``, each head has values of words of its own.
        """
        self.values, self.cell, self.grid = values, cell, grid
        self.energies = Energies(keys, cell.score, attention)
        self.grad_keys, self.grad_score = torch.zeros_like(keys), torch.zeros_like(cell.score)
        self.factors: list[_StepFactors] = []
        w, m, length, _ = keys.shape
        self.attention = keys.new_zeros(w, m, steps, length) if trains_values else None
        self.grad_context = keys.new_zeros(w, m, steps, values.shape[-1]) if trains_values else None
        # The gradient of a position's attention is the dot product of its value with the gradient of
        # the context. Heads that share values take one matrix product. If every head has its own, a
        # product and a sum are faster, except with the wide features of words of one's own.
        shared = values.shape[1] < m
        # A copy of shared values in the order of the product makes it faster. And then a head's sums
        # do not depend on how many heads stand beside it, from two heads on.
        columns = values.flatten(0, 1).transpose(1, 2)
        self._columns = columns.contiguous() if shared else columns
        self._work = None if shared or own_words else torch.empty_like(values)
        self.context_weights, self.state_weights = cell.context.transpose(1, 2), cell.query_and_state.transpose(1, 2)

    def step(self, number: int, grad_states: Tensor, state: Tensor | None, tensors: StepTensors) -> Tensor:
        """Return the gradient of the state before a step.

        ``grad_states`` is the gradient of the state after it. Both are (m, w, h). ``state`` is the
        state before the step, or None for the first step, which starts from zeros.
        """
        recurrent_candidate, candidate = tensors.candidates
        h = grad_states.shape[-1]
        reset, update = tensors.gates[..., :h], tensors.gates[..., h:]
        state = torch.zeros_like(candidate) if state is None else state
        # The GRU, backward. ``grad_direct`` is the path through update * state. The factors (1 -
        # candidate^2) and (gates - gates^2) are the derivatives of tanh and sigmoid.
        grad_direct = grad_states * update
        grad_candidate = (grad_states - grad_direct) * (1 - candidate * candidate)
        grad_gates = torch.cat([grad_candidate * recurrent_candidate, grad_states * (state - candidate)], -1)
        grad_gates = grad_gates * (tensors.gates - tensors.gates * tensors.gates)
        grad_inputs = torch.cat([grad_gates, grad_candidate], -1)
        # From the input gates through the attention to the query. The query and the recurrent gates
        # come from the state before.
        grad_attended = grad_inputs.bmm(self.context_weights)
        grad_queries = self._attention_step(number, grad_attended, tensors.attention, tensors.queries)
        grad_projected = torch.cat([grad_queries, grad_gates, grad_candidate * reset], -1)
        self.factors.append(_StepFactors(grad_inputs, grad_projected, tensors.attended, state))
        return torch.baddbmm(grad_direct, grad_projected, self.state_weights)

    def gradients(self, active: Sequence[int]) -> tuple[Tensor | None, ...]:
        """Return the gradients of values, keys, word gates and ``Cell``."""
        score = self.cell.score
        if not active:
            return (None, self.grad_keys, score.new_zeros(len(score), 0, 3 * score.shape[-1]), *map(torch.zeros_like, self.cell))
        grad_inputs, grad_projected, attended, state = (torch.cat(part, 1) for part in zip(*reversed(self.factors), strict=True))
        h = state.shape[-1]
        grad_values = None
        if self.attention is not None and self.grad_context is not None:
            # (w, v, m / v * steps, l) and (..., e): a value gets a share from every head and every
            # step that attended to it.
            w, v = self.values.shape[:2]
            attention, grad_context = (part.view(w, v, -1, part.shape[-1]) for part in (self.attention, self.grad_context))
            grad_values = torch.matmul(attention.transpose(2, 3), grad_context)
        grad_cell = Cell(
            state.transpose(1, 2).bmm(grad_projected),
            grad_projected[..., h:].sum(1),
            attended.transpose(1, 2).bmm(grad_inputs),
            self.grad_score,
        )
        return (grad_values, self.grad_keys.mul_(score[:, None]), grad_inputs, *grad_cell)

    def _attention_step(self, number: int, grad_attended: Tensor, attention: Tensor, queries: Tensor) -> Tensor:
        """Return the gradient of a step's queries, (m, w, h).

        ``grad_attended`` (m, w, e + p) is the gradient of the attended features and places.
        """
        w, m, length = attention.shape
        e, (rows, columns) = self.values.shape[-1], self.grid
        grad_attended = grad_attended.transpose(0, 1)
        grad_context = grad_attended[..., :e].contiguous()
        if self.attention is not None and self.grad_context is not None:
            self.attention[:w, :, number], self.grad_context[:w, :, number] = attention, grad_context
        v = self.values.shape[1]
        if self._work is None:
            grad_attention = grad_context.view(w * v, m // v, e).bmm(self._columns[: w * v]).view(w, m, length)
        else:
            grad_attention = torch.mul(self.values[:w], grad_context[:, :, None], out=self._work[:w]).sum(-1)
        places = grad_attended[..., e : e + columns].unsqueeze(2) + grad_attended[..., e + columns :].unsqueeze(3)
        grad_attention = grad_attention + places.reshape(w, m, rows * columns)
        # The softmax, backward.
        grad_scores = attention * (grad_attention - (attention * grad_attention).sum(-1, keepdim=True))
        grad_queries, grad_score = self.energies.backward(queries, grad_scores, self.grad_keys)
        self.grad_score += grad_score
        return (grad_queries * self.cell.score).transpose(0, 1)
