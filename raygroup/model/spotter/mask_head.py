"""The mask head: instance masks, and the planes that recognition heads read.

The fifth convolution is shared by masks and recognition. Shapes: r regions, s = ``mask_size``, c =
``mask`` of ``SpotterShape``.
"""

import itertools

from torch import Tensor, nn

from raygroup.model.spotter.roi_masking import mask_regions
from raygroup.model.spotter.shape import SpotterShape

PLANE_GRID = (8, 32)
"""Rows and columns of the positions that recognition heads see. They resize planes to twice as much."""


class MaskHead(nn.Module):
    """Four convolutions, hard masking, then the upsampling and the mask's logits."""

    def __init__(self, shape: SpotterShape) -> None:
        super().__init__()
        widths = (shape.fused, *[shape.mask] * 4)
        self.convolutions = nn.ModuleList(nn.Conv2d(inputs, outputs, 3, padding=1) for inputs, outputs in itertools.pairwise(widths))
        self.upsample = nn.ConvTranspose2d(shape.mask, shape.mask, 2, 2)
        self.logits = nn.Conv2d(shape.mask, 1, 1)

    def masked_features(self, regions: Tensor, masks: Tensor) -> Tensor:
        """Return the features (r, c, s, s) of regions. Outside the masks (r, s, s) they are zero."""
        for convolution in self.convolutions:
            regions = convolution(regions).relu_()
        return mask_regions(regions, masks)

    def word_planes(self, features: Tensor) -> Tensor:
        """Return the planes (r, c, 2s, 2s) of masked features."""
        return self.upsample(features).relu_()  # type: ignore[no-any-return]

    def mask_logits(self, planes: Tensor) -> Tensor:
        """Return the logits of the instance masks, (r, 2s, 2s)."""
        return self.logits(planes)[:, 0]  # type: ignore[no-any-return]
