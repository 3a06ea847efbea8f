"""Batch normalisation over the samples of all workers.

With one worker it is torch's own. torch's synchronised form needs a GPU.
"""

from typing import Any

import torch
from torch import Tensor, nn

from raygroup.training.packs.sharding import WorkerRank


class _SumOverWorkers(torch.autograd.Function):
    """The sum of a tensor over all workers. Each worker's loss depends on all parts, so gradients are summed too."""

    @staticmethod
    def forward(_context: Any, values: Tensor) -> Tensor:
        total = values.clone()
        torch.distributed.all_reduce(total)
        return total

    @staticmethod
    def backward(_context: Any, gradient: Tensor) -> Tensor:
        total = gradient.clone()
        torch.distributed.all_reduce(total)
        return total


class SharedNorm(nn.BatchNorm2d):
    """A batch normalisation whose mean and variance are those of all workers' samples."""

    def forward(self, planes: Tensor) -> Tensor:
        if not self.training:
            return super().forward(planes)
        count = planes.numel() // planes.shape[1]
        sums = torch.stack([planes.sum((0, 2, 3)), planes.square().sum((0, 2, 3)), planes.new_full((planes.shape[1],), count)])
        total, squares, counts = _SumOverWorkers.apply(sums)  # type: ignore[no-untyped-call]
        mean = total / counts
        variance = squares / counts - mean.square()
        with torch.no_grad():
            self.num_batches_tracked.add_(1)  # type: ignore[union-attr]
            unbiased = variance * counts / (counts - 1)
            self.running_mean.lerp_(mean.detach(), self.momentum or 0.1)  # type: ignore[union-attr]
            self.running_var.lerp_(unbiased, self.momentum or 0.1)  # type: ignore[union-attr]
        scale = self.weight * (variance + self.eps).rsqrt()
        normalised: Tensor = planes * scale[:, None, None] + (self.bias - mean * scale)[:, None, None]
        return normalised


def share_norms(module: nn.Module, worker: WorkerRank) -> None:
    """Turn every batch normalisation of a module into one over all workers, in place."""
    if worker.world > 1:
        for each in module.modules():
            if type(each) is nn.BatchNorm2d:
                each.__class__ = SharedNorm
