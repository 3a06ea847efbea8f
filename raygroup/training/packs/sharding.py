"""The division of a step's words among the workers of a pack.

Words and noise are drawn for the whole step before they are divided. Losses are divided by the
number of words of the whole step, and gradients and losses are summed over workers. So every
worker takes the same optimizer step and holds the same bits. The caller creates torch's process
group.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import torch
from torch import Tensor


@dataclass(frozen=True)
class Share:
    """A share of a step's words.

    It is every ``count``-th word, starting at word ``index``. Words are longest first, so all
    shares need about the same work. A share can be empty.
    """

    index: int = 0
    count: int = 1

    @property
    def rows(self) -> slice:
        return slice(self.index, None, self.count)

    @property
    def is_first(self) -> bool:
        """Return True for the share that carries the losses without words.

        The grouping loss does not depend on words, unless every word has its own Gumbel draw.
        """
        return self.index == 0


WHOLE_BATCH = Share()


@dataclass(frozen=True)
class WorkerRank:
    """One of the workers that train a pack together."""

    rank: int
    """From 0 to ``world`` - 1."""
    world: int
    """Number of workers. They are the ranks of torch's default process group."""

    def __post_init__(self) -> None:
        if not 0 <= self.rank < self.world:
            raise ValueError(f"rank is {self.rank}: it must be from 0 to {self.world - 1}, since the world is {self.world}")

    def shares(self, parts: int) -> list[Share]:
        """Divide this worker's words into parts.

        Together they are every ``world``-th word from word ``rank`` on.
        """
        return [Share(self.rank + self.world * part, self.world * parts) for part in range(parts)]

    def all_reduce(self, tensors: Sequence[Tensor]) -> None:
        """Replace each tensor by its sum over all ranks, in place.

        The bits are the same on every rank. Every rank must pass tensors of the same shapes in the
        same order. There is one message for each dtype, and none if there is one worker.
        """
        if self.world == 1:
            return
        for dtype in dict.fromkeys(tensor.dtype for tensor in tensors):
            same_dtype = [tensor for tensor in tensors if tensor.dtype == dtype]
            flat = torch.cat([tensor.flatten() for tensor in same_dtype])
            torch.distributed.all_reduce(flat)
            parts = flat.split([tensor.numel() for tensor in same_dtype])  # type: ignore[no-untyped-call]
            for tensor, summed in zip(same_dtype, parts, strict=True):
                tensor.copy_(summed.view_as(tensor))


SOLE_RANK = WorkerRank(0, 1)
"""The rank of a worker that trains its pack alone."""
