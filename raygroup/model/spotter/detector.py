"""The detecting part of a spotter: from images to the map of text."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from raygroup.model.spotter.freezing import FreezableNetwork
from raygroup.model.spotter.normalisation import ConvolutionNorm, FrozenNorm
from raygroup.model.spotter.resnet_fpn import ResNetFPN
from raygroup.model.spotter.segmentation import SegmentationHead
from raygroup.model.spotter.shape import SpotterShape

Network = TypeVar("Network", bound=nn.Module)
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


def fold_normalisation(network: Network) -> Network:
    """Return a copy that computes the same without normalisation, but for rounding. It cannot be trained."""
    folded = copy.deepcopy(network).eval()
    for module in folded.modules():
        if isinstance(module, ConvolutionNorm):
            _fold(module, module.convolution, module.norm)
        elif isinstance(module, SegmentationHead):
            _fold(module, module.upsample, module.norm)
    return folded.requires_grad_(False)


@torch.no_grad()
def _fold(owner: nn.Module, convolution: nn.Conv2d | nn.ConvTranspose2d, norm: FrozenNorm | nn.BatchNorm2d) -> None:
    """Give a convolution the weight and bias that include the normalisation after it, and remove that."""
    mean, variance = norm.running_mean, norm.running_var
    assert mean is not None
    assert variance is not None
    epsilon = 0.0 if isinstance(norm, FrozenNorm) else norm.eps
    is_transposed = isinstance(convolution, nn.ConvTranspose2d)
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        convolution.weight, convolution.bias, mean, variance, epsilon, norm.weight, norm.bias, transpose=is_transposed
    )  # fmt: skip
    owner.add_module("norm", nn.Identity())
