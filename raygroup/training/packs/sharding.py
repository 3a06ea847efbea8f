"""Several workers for one pack: which of a step's words each reads, and the sum of what they found. The caller makes the process group.

Words and noise are drawn for the whole step before they are shared out, losses are divided by the words of the whole step, and gradients
and evidence are added up: every worker then takes the same optimiser's step and holds the same bits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Share:
    """Every ``of``-th word of a step, longest first, from word ``number`` on, so that all shares are alike in work; it may be none."""

    number: int = 0
    of: int = 1

    @property
    def rows(self) -> slice:
        return slice(self.number, None, self.of)

    @property
    def first(self) -> bool:
        """Whether what depends on no word, such as the grouping loss, is counted with this share."""
        return self.number == 0


WHOLE = Share()


@dataclass(frozen=True)
class Shard:
    """One worker of those that train a pack together."""

    rank: int
    """From 0 to ``world`` - 1."""
    world: int
    """How many workers there are: ranks of torch's default process group."""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise ValueError(f"rank is {self.rank}: it must be from 0 to {self.world - 1}, the world being {self.world}")

    def shares(self, parts: int) -> list[Share]:
        """This worker's words in so many parts: together every ``world``-th from word ``rank`` on."""
        return [Share(self.rank + self.world * part, self.world * parts) for part in range(parts)]

    def add_up(self, tensors: Sequence[Tensor]) -> None:
        """Each tensor becomes the sum of all ranks' in place, with the same bits on every rank; one message a dtype, none alone.

        Every rank gives tensors of the same shapes in the same order.
        """
        if self.world == 1:
            return
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            same = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.flatten() for tensor in same])
            torch.distributed.all_reduce(flat)
            parts = flat.split([tensor.numel() for tensor in same])  # type: ignore[no-untyped-call]
            for tensor, summed in zip(same, parts, strict=True):
                tensor.copy_(summed.view_as(tensor))


ALONE = Shard(0, 1)
