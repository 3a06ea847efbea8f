"""The encoder of the paper's heads.

It is a 3x3 convolution, ReLU and 2x2 max pooling over word features that all heads share. Shapes: w
words, f features, m heads, h hidden. Planes are (w, f, 2 rows, 2 columns), and the encoding is (w,
rows * columns, m, h).
"""

import torch
import torch.nn.functional as F
from torch import Tensor

from raygroup.model.kernels.winograd import convolve_and_pool, fits_tiles


def encode_planes(words: Tensor, weight: Tensor, bias: Tensor, method: str) -> Tensor:
    """Return every head's encoding of every word.

    ``weight`` is (m, h, f, 3, 3) and ``bias`` (m, h). ``method`` is one of ``Kernels.convolution``.
    The method ``winograd`` falls back to the direct convolution if the planes do not divide into
    whole tiles, if there are no words, if the planes need a gradient, or if every head has words of
    its own. ``words`` are then (w, m, f, rows, columns).
    """
    own_words = words.dim() == 5
    if own_words:
        words = words.flatten(1, 2)
    if not own_words and method == "winograd" and fits_tiles(*words.shape[2:]) and len(words) and not words.requires_grad:
        return convolve_and_pool(words, weight, bias)
    m, h = bias.shape
    dtype = torch.bfloat16 if method == "bf16" else words.dtype
    planes = F.conv2d(words.to(dtype), weight.flatten(0, 1).to(dtype), padding=1, groups=len(bias) if own_words else 1)
    # The bias is added after pooling, to a quarter of the values. It shifts all four values of a
    # window alike.
    pooled = F.max_pool2d(planes, 2, 2).to(words.dtype) + bias.flatten()[:, None, None]
    return pooled.relu().permute(0, 2, 3, 1).reshape(len(words), pooled.shape[2] * pooled.shape[3], m, h)


def resize_planes(words: Tensor, size: tuple[int, int]) -> Tensor:
    """Resize planes to the size that the heads read.

    Interpolation is bilinear without aligned corners, as in the released code, which brings 64 x 64
    to 16 x 64.
    """
    return words if words.shape[2:] == size else F.interpolate(words, size, mode="bilinear", align_corners=False)
