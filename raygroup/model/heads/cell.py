"""One decoder step of many heads: attention, then a GRU cell.

Shapes: m heads, w words, l positions, h hidden, e features of a value, p = rows + columns of the
grid.
"""

from typing import NamedTuple

import torch
from torch import Tensor

from raygroup.model.heads.attention import Energies


class Cell(NamedTuple):
    """The weights of a decoder step. The first axis is the head."""

    query_and_state: Tensor
    """Weights of the attention's query beside the GRU's recurrent weights, (m, h, h + 3h)."""
    state_bias: Tensor
    """Bias of the GRU's recurrent weights, (m, 3h)."""
    context: Tensor
    """The GRU's input weights for the attended features and places, (m, e + p, 3h)."""
    score: Tensor
    """(m, h)"""


class Grid(NamedTuple):
    """The arrangement of the positions in a plane."""

    rows: int
    columns: int


class StepTensors(NamedTuple):
    """The tensors of one step that its backward pass needs."""

    queries: Tensor
    """(w, m, h)"""
    attention: Tensor
    """(w, m, l)"""
    attended: Tensor
    """(m, w, e + p)"""
    gates: Tensor
    """Reset and update gate, (m, w, 2h)."""
    candidates: Tensor
    """The candidate's recurrent share before the reset gate, and the candidate, (2, m, w, h)."""


def step_forward(
    values: Tensor, energies: Energies, word_gates: Tensor, cell: Cell, state: Tensor, grid: Grid
) -> tuple[Tensor, StepTensors]:
    """Compute the next state of the first w words.

    ``state`` and the result are (m, w, h). ``word_gates`` (m, w, 3h) is the share of the GRU's
    input gates that comes from the character before.
    """
    h = state.shape[-1]
    projected = torch.bmm(state, cell.query_and_state)
    queries, recurrent = projected[..., :h].transpose(0, 1), projected[..., h:] + cell.state_bias[:, None]
    attention = energies.scores(queries).softmax(-1)
    attended = attend(values, attention, grid)
    inputs = torch.baddbmm(word_gates, attended, cell.context)
    # The GRU: state' = (1 - update) * candidate + update * state.
    gates = torch.sigmoid(inputs[..., : 2 * h] + recurrent[..., : 2 * h])
    reset, update = gates[..., :h], gates[..., h:]
    recurrent_candidate = recurrent[..., 2 * h :].contiguous()
    candidate = torch.addcmul(inputs[..., 2 * h :], reset, recurrent_candidate).tanh_()
    candidates = torch.stack([recurrent_candidate, candidate])
    return torch.lerp(candidate, state, update), StepTensors(queries.contiguous(), attention, attended, gates, candidates)


def attend(values: Tensor, attention: Tensor, grid: Grid) -> Tensor:
    """Return the features and places that each head attends to.

    The result is (m, w, e + columns + rows). The features are the mean of the first w ``values``
    (words, v, l, e) under ``attention`` (w, m, l). Each of the v values is shared by m / v heads.
    The places are the attention summed over each column and over each row.
    """
    w, m, length = attention.shape
    v = values.shape[1]
    context = attention.view(w * v, m // v, length).bmm(values[:w].view(w * v, length, -1)).view(w, m, -1)
    places = attention.view(w, m, *grid)
    return torch.cat([context, places.sum(2), places.sum(3)], -1).transpose(0, 1)
