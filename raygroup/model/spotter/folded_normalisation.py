"""Fold the normalisation of a network into its convolutions, to compute maps faster."""

import copy
from typing import TypeVar

import torch
from torch import nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from raygroup.model.spotter.normalisation import ConvolutionNorm, FrozenNorm
from raygroup.model.spotter.segmentation import SegmentationHead

Network = TypeVar("Network", bound=nn.Module)


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
