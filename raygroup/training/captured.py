"""Training steps as CUDA graphs: what a step launches is recorded once for each length of batch and replayed without Python.

A graph's shapes are fixed, so its words all take part in every decoder step, those that have ended with weight zero; the number of
steps is rounded up, so that a few graphs serve all batches. The numbers are those of the same form without graphs, to rounding.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from raygroup.training.inputs import Inputs

STEPS_A_GRAPH = 4
"""Decoder steps are rounded up to a multiple of this."""
_WARM_UP = 3
"""Runs before a recording, which PyTorch asks for; what they change is put back."""


class CapturedSteps:
    """Replays ``compute`` on inputs of any length; the first batch of each rounded length records its graph."""

    def __init__(self, compute: Callable[[Inputs], Tensor], snapshot: Callable[[], Callable[[], None]]) -> None:
        """``compute`` does a whole training step on the device; ``snapshot`` returns what puts everything back that a step changes."""
        self.compute, self.snapshot = compute, snapshot
        self.graphs: dict[int, tuple[torch.cuda.CUDAGraph, Inputs, Tensor]] = {}

    def __call__(self, inputs: Inputs) -> Tensor:
        steps = len(inputs.active)
        if steps not in self.graphs:
            self.graphs[steps] = self._recorded(inputs)
        graph, fixed, row = self.graphs[steps]
        fixed.copy_from(inputs)
        graph.replay()
        return row.clone()

    def _recorded(self, inputs: Inputs) -> tuple[torch.cuda.CUDAGraph, Inputs, Tensor]:
        fixed = inputs.clone()
        put_back = self.snapshot()
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP):
                self.compute(fixed)
        torch.cuda.current_stream().wait_stream(stream)
        put_back()
        graph = torch.cuda.CUDAGraph()
        pool = next(iter(self.graphs.values()))[0].pool() if self.graphs else None
        with torch.cuda.graph(graph, pool=pool):
            row = self.compute(fixed)
        return graph, fixed, row
