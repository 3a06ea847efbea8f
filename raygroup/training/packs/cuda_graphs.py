"""Training steps as CUDA graphs: captured once, then replayed without Python.

A graph has fixed shapes. All its words take part in every decoder step, and those that have ended
have weight zero. The number of decoder steps is rounded up, so that a few graphs serve all batches.
The numbers agree with those of the same form without graphs, except for rounding.
"""

from collections.abc import Callable

import torch
from torch import Tensor

from raygroup.training.packs.inputs import StepInputs

STEPS_PER_GRAPH = 4
"""The number of decoder steps is rounded up to a multiple of this."""
_WARM_UP_RUNS = 3
"""Runs before a capture, which PyTorch requires. Their changes are undone."""

Compute = Callable[[StepInputs], Tensor]
"""Computes a whole training step on the device and returns its record."""
Snapshot = Callable[[], Callable[[], None]]
"""Saves everything that a step changes, and returns a function that restores it."""


class CapturedSteps:
    """The captured graphs, one for each rounded number of decoder steps.

    It holds the graphs but not the callables that they were captured from, since these hold it in
    turn. A reference cycle would keep the device's memory after the last owner is gone.
    """

    def __init__(self) -> None:
        self.graphs: dict[int, tuple[torch.cuda.CUDAGraph, StepInputs, Tensor]] = {}

    def __call__(self, inputs: StepInputs, compute: Compute, snapshot: Snapshot) -> Tensor:
        """Replay a step on ``inputs`` and return its record.

        The first batch of each length captures the graph. ``compute`` and ``snapshot`` must be the
        same at every call.
        """
        steps = len(inputs.active)
        if steps not in self.graphs:
            self.graphs[steps] = self._capture(inputs, compute, snapshot)
        graph, fixed_inputs, record = self.graphs[steps]
        fixed_inputs.copy_from(inputs)
        graph.replay()
        return record.clone()

    def _capture(self, inputs: StepInputs, compute: Compute, snapshot: Snapshot) -> tuple[torch.cuda.CUDAGraph, StepInputs, Tensor]:
        """Return a new graph, its inputs and the record that it writes."""
        fixed_inputs = inputs.clone()
        restore = snapshot()
        stream = torch.cuda.Stream()  # type: ignore[no-untyped-call]
        stream.wait_stream(torch.cuda.current_stream())
        with torch.cuda.stream(stream):
            for _ in range(_WARM_UP_RUNS):
                compute(fixed_inputs)
        torch.cuda.current_stream().wait_stream(stream)
        restore()
        graph = torch.cuda.CUDAGraph()
        # All graphs share the memory pool of the first.
        pool = next(iter(self.graphs.values()))[0].pool() if self.graphs else None
        with torch.cuda.graph(graph, pool=pool):
            record = compute(fixed_inputs)
        return graph, fixed_inputs, record
