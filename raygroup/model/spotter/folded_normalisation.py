"""Fold the normalisation of a network into its convolutions, to compute maps faster."""

import copy
from typing import TypeVar

import torch
from torch import Tensor, nn
from torch.nn.utils.fusion import fuse_conv_bn_weights

from raygroup.model.spotter.normalisation import ConvolutionNorm, FrozenNorm
from raygroup.model.spotter.segmentation import SegmentationHead

Network = TypeVar("Network", bound=nn.Module)
_Convolution = nn.Conv2d | nn.ConvTranspose2d


def fold_normalisation(network: Network) -> Network:
    """Return a copy that computes the same without normalisation, but for rounding. It cannot be trained."""
    folded = copy.deepcopy(network).eval()
    for module in folded.modules():
        if isinstance(module, ConvolutionNorm):
            _fold(module.convolution, module.norm)
            module.norm = nn.Identity()
        elif isinstance(module, SegmentationHead):
            _fold(module.upsample, module.norm)
            module.norm = nn.Identity()  # type: ignore[assignment]
    return folded.requires_grad_(False)


@torch.no_grad()
def _fold(convolution: _Convolution, norm: nn.Module) -> None:
    """Give a convolution the weight and bias that include a normalisation."""
    values: list[Tensor] = [getattr(norm, name) for name in ("running_mean", "running_var", "weight", "bias")]
    mean, variance, weight, bias = values
    epsilon = 0.0 if isinstance(norm, FrozenNorm) else float(norm.eps)
    convolution.weight, convolution.bias = fuse_conv_bn_weights(
        convolution.weight, convolution.bias, mean, variance, epsilon, weight, bias, transpose=isinstance(convolution, nn.ConvTranspose2d)
    )  # fmt: skip
