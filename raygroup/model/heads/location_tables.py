"""Heads whose location tables are trained, as in the released code.

The paper's heads see positions as one-hot vectors. The released code looks them up in two tables
that start at random and are trained: 32 x 32 for columns and 8 x 8 for rows. A table is a linear map
of the one-hot vectors, so it can be folded into the weights that read positions.
"""

from collections.abc import Sequence

import torch
from torch import Tensor, nn

from raygroup.model.heads.bank import HeadBank
from raygroup.model.heads.cell import Cell
from raygroup.model.heads.shapes import TABLE_AXES


class LocatedHeadBank(HeadBank):
    """A bank of heads with location tables. Everything else is a ``HeadBank``."""

    column_table: nn.Parameter
    row_table: nn.Parameter

    def __init__(
        self, heads: int, classes: int, *, features: int, positions: tuple[int, int],
        embed: int | Sequence[int], hidden: int | Sequence[int], convolve: bool = False,
    ) -> None:  # fmt: skip
        super().__init__(heads, classes, features=features, positions=positions, embed=embed, hidden=hidden, convolve=convolve)
        for name, axes in TABLE_AXES.items():
            self.register_parameter(name, nn.Parameter(torch.zeros(heads, *(self._padded_sizes[axis] for axis in axes))))

    @torch.no_grad()
    def initialise(self, head: int, random: torch.Generator) -> None:
        """Draw new weights for one head. Its tables become one-hot."""
        super().initialise(head, random)
        for table in (self.column_table, self.row_table):
            table[head] = torch.eye(table.shape[1])

    def locate(self, weights: Tensor) -> Tensor:
        """Multiply the tables into weights that read positions, (m, columns + rows, o)."""
        columns, rows = weights[:, : self.grid.columns], weights[:, self.grid.columns :]
        return torch.cat([self.column_table.bmm(columns), self.row_table.bmm(rows)], 1)

    def place_weights(self) -> Tensor:
        return self.locate(self.place)

    def cell(self) -> Cell:
        cell, places = super().cell(), self.grid.columns + self.grid.rows
        features, positions = cell.context[:, :-places], cell.context[:, -places:]
        return cell._replace(context=torch.cat([features, self.locate(positions)], 1))


@torch.no_grad()
def fold_location_tables(bank: HeadBank) -> HeadBank:
    """Return a bank without tables that computes the same. A bank without tables is returned as it is."""
    if not isinstance(bank, LocatedHeadBank):
        return bank
    folded = HeadBank(
        bank.heads, bank.classes, features=bank.features, positions=bank.grid, embed=bank.embeds, hidden=bank.hiddens,
        convolve=bank.convolve,
    )  # fmt: skip
    weights = {name: value for name, value in bank.state_dict().items() if name not in TABLE_AXES}
    folded.load_state_dict(weights | {"place": bank.place_weights(), "gate_context": bank.cell().context})
    return folded.to(bank.place.device, bank.place.dtype).requires_grad_(False)
