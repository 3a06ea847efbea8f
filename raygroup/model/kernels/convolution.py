"""The encoder of the paper's heads: a 3x3 convolution, ReLU and 2x2 max pooling over word features that all heads share.

Shapes: w words, f features, m heads, h hidden; planes are (w, f, 2 rows, 2 columns), what is given back (w, rows * columns, m, h).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from raygroup.model.kernels.winograd import in_tiles, winograd_pooled


def encoded_planes(words: Tensor, weight: Tensor, bias: Tensor, how: str) -> Tensor:
    """Every head's encoding of every word, ``weight`` (m, h, f, 3, 3) and ``bias`` (m, h).

    Planes that do not fall into whole tiles, or whose own gradient is wanted, take the direct form under ``winograd`` too.
    """
    if how == "winograd" and in_tiles(*words.shape[2:]) and len(words) and not words.requires_grad:
        return winograd_pooled(words, weight, bias)
    m, h = bias.shape
    kind = torch.bfloat16 if how == "bf16" else words.dtype
    planes = F.conv2d(words.to(kind), weight.flatten(0, 1).to(kind), padding=1)
    pooled = F.max_pool2d(planes, 2, 2).to(words.dtype) + bias.flatten()[:, None, None]
    return pooled.relu().permute(0, 2, 3, 1).reshape(len(words), pooled.shape[2] * pooled.shape[3], m, h)


def resized(words: Tensor, size: tuple[int, int]) -> Tensor:
    """Planes at the heads' own size: bilinear, corners not aligned, as the released code brings 64 x 64 to 16 x 64."""
    return words if words.shape[2:] == size else F.interpolate(words, size, mode="bilinear", align_corners=False)
