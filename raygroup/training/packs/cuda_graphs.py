"""Training steps as CUDA graphs: what a step launches is recorded once for each length of batch and replayed without Python.

A graph's shapes are fixed, so its words all take part in every decoder step, those that have ended with weight zero; the number of
steps is rounded up, so that a few graphs serve all batches. The numbers are those of the same form without graphs, to rounding.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from raygroup.training.packs.inputs import Inputs

STEPS_A_GRAPH = 4
"""Decoder steps are rounded up to a multiple of this."""
_WARM_UP = 3
"""Runs before a recording, which PyTorch asks for; what they change is put back."""

Compute = Callable[[Inputs], Tensor]
"""A whole training step on the device."""
Snapshot = Callable[[], Callable[[], None]]
"""Returns what puts everything back that a step changes."""


class CapturedSteps:
    """Replays a step on inputs of any length; the first batch of each rounded length records its graph.

    It holds the graphs and not what they were recorded from, which holds it: memory of a device returns when the last owner goes.
    """

    def __init__(self) -> None:
        self.graphs: dict[int, tuple[torch.cuda.CUDAGraph, Inputs, Tensor]] = {}

    def __call__(self, inputs: Inputs, compute: Compute, snapshot: Snapshot) -> Tensor:
        """The row that ``compute`` makes of ``inputs``; both callables are the same at every call."""
        steps = len(inputs.active)
        if steps not in self.graphs:
            self.graphs[steps] = self._recorded(inputs, compute, snapshot)
        graph, fixed, row = self.graphs[steps]
        fixed.copy_from(inputs)
        graph.replay()
        return row.clone()

    def _recorded(self, inputs: Inputs, compute: Compute, snapshot: Snapshot) -> tuple[torch.cuda.CUDAGraph, Inputs, Tensor]:
        fixed = inputs.clone()
        put_back = snapshot()
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                compute(fixed)
        torch.cuda.current_stream().wait_stream(stream)
        put_back()
        graph = torch.cuda.CUDAGraph()
        pool = next(iter(self.graphs.values()))[0].pool() if self.graphs else None
        with torch.cuda.graph(graph, pool=pool):
            row = compute(fixed)
        return graph, fixed, row
