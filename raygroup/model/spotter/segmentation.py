"""The segmentation proposal head: fused features, and the map of text.

Levels are those of ``resnet_fpn``. The fused features have a quarter of the image's height and width,
and the map has all of it.
"""

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from raygroup.model.spotter.normalisation import ConvolutionNorm
from raygroup.model.spotter.shape import SpotterShape


class SegmentationHead(nn.Module):
    """The layers from the pyramid to the fused features and to the map."""

    def __init__(self, shape: SpotterShape) -> None:
        super().__init__()
        first, second = shape.segmentation
        self.levels = nn.ModuleList(nn.Conv2d(shape.pyramid, shape.level, 3, padding=1, bias=False) for _ in range(4))
        self.convolution = ConvolutionNorm(shape.fused, first, 3)
        self.upsample = nn.ConvTranspose2d(first, second, 2, 2)
        self.norm = nn.BatchNorm2d(second)
        self.logits = nn.ConvTranspose2d(second, 1, 2, 2)

    def fuse(self, levels: list[Tensor]) -> Tensor:
        """Return the fused features (n, fused, h / 4, w / 4), coarsest level first."""
        reduced = [convolution(planes) for convolution, planes in zip(self.levels, levels, strict=True)]
        size = reduced[0].shape[2:]
        enlarged = [planes if planes.shape[2:] == size else F.interpolate(planes, size, mode="nearest") for planes in reduced]
        return torch.cat(enlarged[::-1], 1)

    def forward(self, fused: Tensor) -> Tensor:
        """Return the logits of text, (n, h, w)."""
        planes = self.convolution(fused).relu_()
        planes = self.norm(self.upsample(planes)).relu_()
        return self.logits(planes)[:, 0]  # type: ignore[no-any-return]
