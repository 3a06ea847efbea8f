"""Time the sides of a comparison in turns.

A slow moment of the machine then falls on all of them.
"""

import time
from collections.abc import Callable

import numpy as np
import torch

from raygroup.training.allocator import keep_freed_memory


def prepare_process() -> None:
    """Compute as a training process does.

    It uses one thread, keeps freed memory, and convolves on a GPU in full single precision.
    """
    torch.set_num_threads(1)
    torch.backends.cudnn.allow_tf32 = False
    keep_freed_memory()


def seconds_of(step: Callable[[], object], device: str) -> float:
    """Return processor seconds on a CPU, and wall seconds on a GPU.

    On a GPU the work is synchronised before and after.
    """
    if device == "cpu":
        started = time.process_time()
        step()
        return time.process_time() - started
    torch.cuda.synchronize()
    started = time.perf_counter()
    step()
    torch.cuda.synchronize()
    return time.perf_counter() - started


class AlternatedTimes:
    """Seconds of several sides, which take turns in every round.

    A side's fastest try of a round counts. Its first try pays for memory that another side has just
    used.
    """

    def __init__(self, steps: dict[str, Callable[[], object]], rounds: int, device: str, tries: dict[str, int]) -> None:
        self.rounds = [
            {name: min(seconds_of(step, device) for _ in range(tries.get(name, 1))) for name, step in steps.items()} for _ in range(rounds)
        ]

    def ratio(self, slower: str, faster: str) -> float:
        """Return the median over rounds of one side's seconds over another's."""
        return round(float(np.median([seconds[slower] / seconds[faster] for seconds in self.rounds])), 2)

    def seconds(self, name: str) -> float:
        """Return the median seconds of a side over rounds."""
        return float(np.median([seconds[name] for seconds in self.rounds]))
