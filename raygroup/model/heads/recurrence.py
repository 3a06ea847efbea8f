"""The teacher-forced decoder of many heads, with its own backward pass.

A step depends on the state before it, so the steps run one after another. Autograd would keep the
energies of every step, (w, m, l, h) each. This backward pass computes them again, so no array of
that size is kept from step to step.

Shapes: m heads, w words, longest first, n characters, l positions, h hidden, e features of a value.
Characters are ordered by step, and within a step by word. ``active`` is the number of words at each
step.
"""

from collections.abc import Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.autograd.function import once_differentiable

from raygroup.model.heads.attention import Energies
from raygroup.model.heads.cell import Cell, Grid, StepTensors, step_forward
from raygroup.model.heads.cell_backward import BackwardPass

_TENSORS_PER_STEP = len(StepTensors._fields)


class DecoderOptions(NamedTuple):
    """The options of a decoder pass."""

    attention: str
    """One of the forms of ``Energies``."""
    trials: int = 1
    """Number of equal parts that the heads fall into, one for each trial.

    Each part has its own product with words that all heads share, so a trial's numbers do not
    depend on the trials beside it.
    """
    own_words: bool = False
    """Whether each head reads words of its own."""


def decoder_states(
    values: Tensor, keys: Tensor, word_gates: Tensor, cell: Cell, active: Sequence[int], grid: Grid, options: DecoderOptions
) -> Tensor:
    """Return each head's state at each character, (m, n, h).

    ``values`` is (w, m or 1, l, e) and ``keys`` (w, m, l, h). ``word_gates`` (m, n, 3h) is the
    share of the GRU's input gates that comes from the characters before.
    """
    if values.shape[1] == 1 and options.trials > 1:
        values = values.expand(-1, options.trials, -1, -1).contiguous()
    states: Tensor = _Recurrence.apply(values, keys, word_gates, *cell, tuple(active), grid, options)  # type: ignore[no-untyped-call]
    return states


class _Recurrence(torch.autograd.Function):
    @staticmethod
    def forward(
        ctx: Any, values: Tensor, keys: Tensor, word_gates: Tensor, query_and_state: Tensor, state_bias: Tensor, context: Tensor,
        score: Tensor, active: tuple[int, ...], grid: Grid, options: DecoderOptions,
    ) -> Tensor:  # fmt: skip
        cell = Cell(query_and_state, state_bias, context, score)
        energies = Energies(keys, score, options.attention)
        state = word_gates.new_zeros(len(word_gates), active[0] if active else 0, score.shape[-1])
        row = 0
        states: list[Tensor] = []
        saved: list[Tensor] = []
        for count in active:
            # Words are longest first, so the words that are still active are the first ``count``.
            state, tensors = step_forward(values, energies, word_gates[:, row : row + count], cell, state[:, :count], grid)
            states.append(state)
            saved.extend(tensors)
            row += count
        all_states = torch.cat(states, 1) if states else word_gates.new_zeros(len(word_gates), 0, score.shape[-1])
        ctx.save_for_backward(values, keys, *cell, all_states, *saved)
        ctx.active, ctx.grid, ctx.options = active, grid, options
        return all_states

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[Any, ...]:
        values, keys, *weights = ctx.saved_tensors[:6]
        states, *saved = ctx.saved_tensors[6:]
        backward = BackwardPass(
            values, keys, Cell(*weights), ctx.grid, ctx.options.attention, len(ctx.active), ctx.needs_input_grad[0], ctx.options.own_words
        )
        grad_state, row = None, states.shape[1]
        for number in reversed(range(len(ctx.active))):
            count = ctx.active[number]
            row -= count
            grad_states = gradients[0][:, row : row + count]
            if grad_state is not None:
                # Words that go on also get the gradient from the step after. Words that end here do
                # not.
                going_on = grad_state.shape[1]
                grad_states = torch.cat([grad_states[:, :going_on] + grad_state, grad_states[:, going_on:]], 1)
            start_before = row - ctx.active[number - 1] if number else 0
            state = states[:, start_before : start_before + count] if number else None
            first = _TENSORS_PER_STEP * number
            grad_state = backward.step(number, grad_states, state, StepTensors(*saved[first : first + _TENSORS_PER_STEP]))
        return (*backward.gradients(ctx.active), None, None, None)
