"""Products of word features with the weights of many heads, channels last: torch's own, or as 1x1 convolutions.

On a processor torch hands float32 matrix products to MKL, which runs at half the speed of oneDNN on other makers' chips, and
convolutions to oneDNN: the same product written as a 1x1 convolution over channels-last features copies nothing and is twice as fast.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_IMAGES = 16


def shared_product(words: Tensor, weights: Tensor, how: str) -> Tensor:
    """Every head's product with words that all heads share: (w, l, f) times (m, f, h) gives (w, l, m, h)."""
    m, f, h = weights.shape
    if how == "onednn" and len(words):
        return _pointwise(words, weights, 1).view(*words.shape[:2], m, h)
    return (words.reshape(-1, f) @ weights.transpose(0, 1).flatten(1)).view(*words.shape[:2], m, h)


def own_product(values: Tensor, weights: Tensor, how: str) -> Tensor:
    """Every head's product with features of its own: (w, l, m, e) times (m, e, h) gives (w, l, m, h)."""
    w, length, m, e = values.shape
    if how == "onednn" and w:
        return _pointwise(values.reshape(w, length, m * e), weights, m).view(w, length, m, weights.shape[2])
    by_head = values.permute(2, 0, 1, 3).reshape(m, w * length, e)
    return by_head.bmm(weights).view(m, w, length, weights.shape[2]).permute(1, 2, 0, 3)


def _pointwise(words: Tensor, weights: Tensor, groups: int) -> Tensor:
    """A 1x1 convolution of (w, l, channels) in ``groups`` of channels: (w, l, m * h)."""
    kernel = weights.transpose(1, 2).flatten(0, 1)[:, :, None, None]
    return as_rows(F.conv2d(as_images(words.flatten(0, 1)), kernel, groups=groups)).view(*words.shape[:2], -1)


def as_images(rows: Tensor) -> Tensor:
    """Rows (n, f) as channels-last images (b, f, 1, n / b) of a 1x1 convolution, without a copy.

    Images are as many as torch asks for before it calls oneDNN from one thread, 16; where that does not divide the rows, one row an
    image, which is slower but the same.
    """
    images = _IMAGES if len(rows) % _IMAGES == 0 else len(rows)
    return rows.view(images, -1, rows.shape[-1]).transpose(1, 2)[:, :, None]


def as_rows(images: Tensor) -> Tensor:
    """The rows of ``as_images``."""
    return images[:, :, 0].transpose(1, 2).reshape(-1, images.shape[1])


def packed(matrices: Tensor) -> list[Tensor] | None:
    """Matrices (g, i, o), one a head, as oneDNN keeps weights: for ``torch.nn.functional.linear`` without gradients. None where oneDNN
    does not take them: on a GPU, in other than single precision, in a build of torch without it."""
    if matrices.device.type != "cpu" or matrices.dtype != torch.float32 or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    return [matrix.T.contiguous().to_mkldnn() for matrix in matrices]
