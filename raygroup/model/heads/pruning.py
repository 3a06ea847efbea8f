"""Prune heads to the characters of their groups, and stack pruned heads.

Pruning selects rows, so the weights that stay keep their bits. A pruned head writes the strings of
the whole head restricted to its characters.
"""

from collections.abc import Sequence

import torch
from torch import Tensor

from raygroup.model.heads.bank import BEGIN, HeadBank
from raygroup.model.heads.location_tables import fold_location_tables
from raygroup.model.heads.shapes import ALL_AXES

_IMPOSSIBLE = -1e30
"""Output bias of a class that a head lacks. Its probability is zero."""


@torch.no_grad()
def prune_head(bank: HeadBank, head: int, characters: Sequence[int]) -> HeadBank:
    """Return a bank of one head that writes only these characters.

    ``characters`` are classes of the bank. The begin and the end class always stay. Raises
    ValueError if one of them is no character, or is there twice.
    """
    end = bank.classes - 1
    if len(set(characters)) < len(characters) or not all(BEGIN < number < end for number in characters):
        raise ValueError(f"characters must be different classes from 1 to {end - 1}")
    rows = torch.tensor([BEGIN, *characters, end], device=bank.embedding.device)
    pruned = _empty_like(bank, [bank.embeds[head]], [bank.hiddens[head]], len(rows))
    for name, _ in pruned.named_parameters():
        values = bank.head_parameter(name, head)
        if "classes" in ALL_AXES[name]:
            values = values.index_select(ALL_AXES[name].index("classes"), rows)
        pruned.set_head_parameter(name, 0, values)
    return pruned.requires_grad_(False)


@torch.no_grad()
def stack_heads(heads: Sequence[HeadBank]) -> HeadBank:
    """Return one bank of several banks with one head each. Location tables are folded in.

    Their charsets may differ. The end is the last class of the stack, and classes that a head lacks
    have no probability.
    """
    heads = [fold_location_tables(head) for head in heads]
    classes = max(head.classes for head in heads)
    stacked = _empty_like(heads[0], [head.embeds[0] for head in heads], [head.hiddens[0] for head in heads], classes)
    for number, head in enumerate(heads):
        rows = torch.tensor([*range(head.classes - 1), classes - 1])
        for name, _ in head.named_parameters():
            values = head.head_parameter(name, 0)
            if "classes" in ALL_AXES[name]:
                values = _spread(values, ALL_AXES[name].index("classes"), rows, classes, _IMPOSSIBLE if name == "output_bias" else 0.0)
            stacked.set_head_parameter(name, number, values)
    return stacked.requires_grad_(False)


def _spread(values: Tensor, axis: int, rows: Tensor, size: int, filling: float) -> Tensor:
    """Return the values spread to ``rows`` of ``size`` rows. Others get the filling."""
    shape = [*values.shape]
    shape[axis] = size
    return values.new_full(shape, filling).index_copy(axis, rows.to(values.device), values)


def _empty_like(bank: HeadBank, embeds: list[int], hiddens: list[int], classes: int) -> HeadBank:
    empty = type(bank)(
        len(embeds), classes, features=bank.features, positions=bank.grid, embed=embeds, hidden=hiddens, convolve=bank.convolve
    )  # fmt: skip
    return empty.to(bank.embedding.device, bank.embedding.dtype)
