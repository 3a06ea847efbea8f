"""The trunk: a residual network with a feature pyramid.

Images are (n, 3, h, w), with h and w divisible by 32. Level i of the result has 1 / 2^(i + 2) of
their height and width.
"""

import itertools

import torch.nn.functional as F
from torch import Tensor, nn

from raygroup.model.spotter.normalisation import ConvolutionNorm
from raygroup.model.spotter.shape import SpotterShape


class ResidualBlock(nn.Module):
    """A residual block. If it has a stride, the stride is in its first convolution."""

    def __init__(self, inputs: int, outputs: int, stride: int, shape: SpotterShape) -> None:
        super().__init__()
        frozen, inner = shape.frozen_norm, outputs // 4
        sizes = [(inner, 1), (inner, 3), (outputs, 1)] if shape.bottleneck else [(outputs, 3), (outputs, 3)]
        channels = [inputs, *(width for width, _ in sizes)]
        self.convolutions = nn.ModuleList(
            ConvolutionNorm(before, width, kernel, stride if number == 0 else 1, frozen=frozen)
            for number, (before, (width, kernel)) in enumerate(zip(channels, sizes, strict=False))
        )
        changes = inputs != outputs or stride != 1
        self.shortcut = ConvolutionNorm(inputs, outputs, 1, stride, frozen=frozen) if changes else nn.Identity()

    def forward(self, planes: Tensor) -> Tensor:
        hidden = planes
        for convolution in self.convolutions[:-1]:
            hidden = convolution(hidden).relu_()
        return (self.convolutions[-1](hidden) + self.shortcut(planes)).relu_()  # type: ignore[no-any-return]


class Stem(nn.Module):
    """The first layers. They divide height and width by four."""

    def __init__(self, shape: SpotterShape) -> None:
        super().__init__()
        kernel = 7 if len(shape.stem) == 1 else 3
        self.pools = len(shape.stem) == 1
        self.convolutions = nn.ModuleList(
            ConvolutionNorm(inputs, outputs, kernel, 2, frozen=shape.frozen_norm)
            for inputs, outputs in itertools.pairwise((3, *shape.stem))
        )

    def forward(self, images: Tensor) -> Tensor:
        planes = images
        for convolution in self.convolutions:
            planes = convolution(planes).relu_()
        return F.max_pool2d(planes, 3, 2, 1) if self.pools else planes


class ResNetFPN(nn.Module):
    """A residual network of four stages, and the pyramid of their outputs.

    It has no level above the fourth: the reference computes one and does not use it.
    """

    def __init__(self, shape: SpotterShape) -> None:
        super().__init__()
        self.stem = Stem(shape)
        inputs = (shape.stem[-1], *shape.widths[:-1])
        self.stages = nn.ModuleList(
            nn.Sequential(*(
                ResidualBlock(before if number == 0 else width, width, 2 if number == 0 and stage else 1, shape) for number in range(blocks)
            ))
            for stage, (before, width, blocks) in enumerate(zip(inputs, shape.widths, shape.blocks, strict=True))
        )  # fmt: skip
        self.lateral = nn.ModuleList(nn.Conv2d(width, shape.pyramid, 1) for width in shape.widths)
        smooth = [nn.Conv2d(shape.pyramid, shape.pyramid, 3, padding=1) if shape.smooth else nn.Identity() for _ in shape.widths]
        self.smooth = nn.ModuleList(smooth)

    def forward(self, images: Tensor) -> list[Tensor]:
        """Return the four levels, finest first."""
        return self.pyramid(self.stage_outputs(images))

    def stage_outputs(self, images: Tensor) -> list[Tensor]:
        """Return the output of each stage, (n, width, h', w')."""
        planes, outputs = self.stem(images), []
        for stage in self.stages:
            planes = stage(planes)
            outputs.append(planes)
        return outputs

    def pyramid(self, stage_outputs: list[Tensor]) -> list[Tensor]:
        """Return the levels of the pyramid, finest first."""
        coarser: Tensor | None = None
        levels = []
        for lateral, smooth, planes in zip(reversed(self.lateral), reversed(self.smooth), reversed(stage_outputs), strict=True):
            merged = lateral(planes)
            if coarser is not None:
                merged = merged + F.interpolate(coarser, scale_factor=2.0, mode="nearest")
            levels.append(smooth(merged))
            coarser = merged
        return levels[::-1]
