"""Products of word features with the weights of many heads.

They are matrix products or 1x1 convolutions. On a CPU, torch hands float32 matrix products to MKL,
which runs at half the speed of oneDNN on chips of other makers than Intel. It hands convolutions to
oneDNN. The same product, written as a 1x1 convolution over channels-last features, copies nothing
and is twice as fast.

Shapes: w words, l positions, f features, e encoded features, m heads, h hidden.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

_IMAGES = 16


def shared_input_product(words: Tensor, weights: Tensor, method: str) -> Tensor:
    """Multiply words that all heads share with each head's weights.

    (w, l, f) times (m, f, h) gives (w, l, m, h). ``method`` is one of ``Kernels.products``.
    """
    m, f, h = weights.shape
    if method == "onednn" and len(words):
        return _pointwise_convolution(words, weights, 1).view(*words.shape[:2], m, h)
    return (words.reshape(-1, f) @ weights.transpose(0, 1).flatten(1)).view(*words.shape[:2], m, h)


def per_head_product(values: Tensor, weights: Tensor, method: str) -> Tensor:
    """Multiply each head's own features with its weights.

    (w, l, m, e) times (m, e, h) gives (w, l, m, h). ``method`` is one of ``Kernels.products``.
    """
    w, length, m, e = values.shape
    if method == "onednn" and w:
        return _pointwise_convolution(values.reshape(w, length, m * e), weights, m).view(w, length, m, weights.shape[2])
    by_head = values.permute(2, 0, 1, 3).reshape(m, w * length, e)
    return by_head.bmm(weights).view(m, w, length, weights.shape[2]).permute(1, 2, 0, 3)


def own_words_product(words: Tensor, own_words: Tensor, weights: Tensor) -> Tensor:
    """Multiply the words that each head reads with its weights.

    The words ``own_words`` (r, m) of words (w, l, f), times (m, f, h), give (r, m, l, h). As a grouped
    convolution, the product takes seven times as long.
    """
    (places, m), (_, length, f) = own_words.shape, words.shape
    by_head = words.index_select(0, own_words.T.flatten()).view(m, places * length, f)
    return by_head.bmm(weights).view(m, places, length, weights.shape[2]).transpose(0, 1).contiguous()


def _pointwise_convolution(words: Tensor, weights: Tensor, groups: int) -> Tensor:
    """Apply a 1x1 convolution to features (w, l, channels).

    The channels fall into ``groups``. The result is (w, l, m * h).
    """
    kernel = weights.transpose(1, 2).flatten(0, 1)[:, :, None, None]
    return as_rows(F.conv2d(as_images(words.flatten(0, 1)), kernel, groups=groups)).view(*words.shape[:2], -1)


def as_images(rows: Tensor) -> Tensor:
    """View rows as the input images of a 1x1 convolution.

    Rows (n, f) become channels-last images (b, f, 1, n / b), and nothing is copied. torch calls
    oneDNN from a single thread only if there are at least 16 images, so b is 16. If 16 does not
    divide n, every row is one image. That is slower but gives the same result.
    """
    images = _IMAGES if len(rows) % _IMAGES == 0 else len(rows)
    return rows.view(images, -1, rows.shape[-1]).transpose(1, 2)[:, :, None]


def as_rows(images: Tensor) -> Tensor:
    """Turn the images of ``as_images`` back into rows (n, f)."""
    return images[:, :, 0].transpose(1, 2).reshape(-1, images.shape[1])


def prepack_weights(matrices: Tensor) -> list[Tensor] | None:
    """Convert each head's matrix into oneDNN's layout for weights.

    The matrices are (g, i, o). ``torch.nn.functional.linear`` accepts the result, without
    gradients. Returns None if oneDNN cannot take the matrices: they are on a GPU or not in single
    precision, or torch was built without oneDNN.
    """
    if matrices.device.type != "cpu" or matrices.dtype != torch.float32 or not torch.backends.mkldnn.is_available():  # type: ignore[no-untyped-call]
        return None
    return [matrix.T.contiguous().to_mkldnn() for matrix in matrices]
