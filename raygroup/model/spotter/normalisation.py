"""Convolutions with a normalisation, which may be frozen."""

import torch
from torch import Tensor, nn


class FrozenNorm(nn.Module):
    """A batch normalisation of stored numbers, without an epsilon.

    Its four tensors are buffers, so no optimiser sees them. The reference divides by the plain
    square root of the variance.
    """

    weight: Tensor
    bias: Tensor
    running_mean: Tensor
    running_var: Tensor

    def __init__(self, channels: int) -> None:
        super().__init__()
        for name, value in (("weight", 1.0), ("bias", 0.0), ("running_mean", 0.0), ("running_var", 1.0)):
            self.register_buffer(name, torch.full((channels,), value))

    def forward(self, planes: Tensor) -> Tensor:
        scale = self.weight * self.running_var.rsqrt()
        shift = self.bias - self.running_mean * scale
        return torch.addcmul(shift[:, None, None], planes, scale[:, None, None])


class ConvolutionNorm(nn.Module):
    """A convolution without bias, then a normalisation. The size of the planes only depends on the stride."""

    def __init__(self, inputs: int, outputs: int, kernel: int, stride: int = 1, *, frozen: bool = False) -> None:
        super().__init__()
        self.convolution = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
        self.norm = FrozenNorm(outputs) if frozen else nn.BatchNorm2d(outputs)

    def forward(self, planes: Tensor) -> Tensor:
        return self.norm(self.convolution(planes))  # type: ignore[no-any-return]
