"""The detecting part of a spotter: from images to the map of text."""

from torch import Tensor, nn

from raygroup.model.spotter.freezing import FreezableNetwork
from raygroup.model.spotter.resnet_fpn import ResNetFPN
from raygroup.model.spotter.segmentation import SegmentationHead
from raygroup.model.spotter.shape import SpotterShape

_RARE_TEXT = -2.0
"""First bias of the map: most pixels are no text."""


class DetectorNetwork(FreezableNetwork):
    """Trunk and segmentation head. Its weights have the names that they have in ``Spotter``."""

    def __init__(self, shape: SpotterShape) -> None:
        super().__init__()
        self.shape = shape
        self.trunk = ResNetFPN(shape)
        self.segmentation = SegmentationHead(shape)
        bias = self.segmentation.logits.bias
        if bias is not None:
            nn.init.constant_(bias, _RARE_TEXT)

    def forward(self, images: Tensor) -> Tensor:
        """Return the logits of text (n, h, w) of normalised images (n, 3, h, w)."""
        logits: Tensor = self.segmentation(self.segmentation.fuse(self.trunk(images)))
        return logits
