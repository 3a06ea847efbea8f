"""Winograd's 3x3 convolution with ReLU and pooling, for many heads.

It is F(4x4, 3x3), followed by ReLU and 2x2 max pooling. All heads share their input.

The algorithm is that of Lavin and Gray (2016). It computes Y = A^T [(G g G^T) * (B^T d B)] A: a
tile d of 6 x 6 inputs gives 4 x 4 outputs Y in 36 products instead of 144. The input tiles are
transformed once for all heads. Results in float32 differ from the direct convolution by about 1e-6
of their scale. If two of the four values of a pooling window are that close, the gradient may pass
through the other one, so weight gradients agree to 1e-3.

Shapes: w words, f features, y rows and x columns of the planes, m heads, h hidden. A word has
y / 4 tiles down and x / 4 across.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_weight

from raygroup.model.kernels.products import as_images, as_rows

_INPUT = ((4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0), (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1))
"""B^T (6, 6), the transform of an input tile."""
_WEIGHT = ((1 / 4, 0, 0), (-1 / 6,) * 3, (-1 / 6, 1 / 6, -1 / 6), (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1))
"""G (6, 3), the transform of a 3x3 weight."""
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
"""A^T (4, 6), the transform from products to outputs."""
_NONE = 4
"""Marks a window whose value ReLU set to zero.

Otherwise the place 0 to 3 of the largest value is stored.
"""


def fits_tiles(y: int, x: int) -> bool:
    """Return True if y rows and x columns divide into whole tiles."""
    return y % 4 == 0 and x % 4 == 0


def convolve_and_pool(words: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """Convolve planes, apply ReLU and pool them.

    Planes (w, f, y, x) and weights (m, h, f, 3, 3) give (w, y/2 * x/2, m, h). There must be at
    least one word, and the planes must fit whole tiles. Weights and biases get gradients, the
    planes do not.
    """
    pooled: Tensor = _ConvolveAndPool.apply(transform_input(words), weight, bias, words.shape)  # type: ignore[no-untyped-call]
    return pooled


def infer_convolve_and_pool(words: Tensor, transformed: Tensor, bias: Tensor) -> Tensor:
    """Compute ``convolve_and_pool`` from transformed weights, without gradients."""
    windows = _pooling_windows(transform_input(words), transformed, bias.shape, words.shape)
    largest = windows[:, 0, :, 0].maximum(windows[:, 0, :, 1]).maximum(windows[:, 1, :, 0]).maximum(windows[:, 1, :, 1])
    return _row_by_row(largest.add_(bias).relu_())


def transform_input(words: Tensor) -> Tensor:
    """Transform planes (w, f, y, x) into (36, w * tiles, f)."""
    padded = F.pad(words.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    tiles = padded.unfold(1, 6, 4).unfold(2, 6, 4).permute(4, 5, 0, 1, 2, 3).reshape(6, 6, -1)
    return _transform_both_axes(_tensor(_INPUT, words), tiles).view(36, -1, words.shape[1])


def transform_weights(weight: Tensor) -> Tensor:
    """Transform weights into 36 kernels (m * h, f, 1, 1)."""
    m, h, f = weight.shape[:3]
    return _transform_both_axes(_tensor(_WEIGHT, weight), weight.permute(3, 4, 0, 1, 2).reshape(3, 3, -1)).view(36, m * h, f, 1, 1)


class _ConvolveAndPool(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tiles: Tensor, weight: Tensor, bias: Tensor, planes: torch.Size) -> Tensor:
        windows = _pooling_windows(tiles, transform_weights(weight), bias.shape, planes)
        pooled, place = _max_pool(windows)
        pooled = pooled.add_(bias).relu_()
        # The place of the maximum is all that the backward pass needs to know about pooling and
        # ReLU: one byte for each pooled value.
        torch.maximum(place, (pooled == 0).view(torch.uint8) * _NONE, out=place)
        ctx.save_for_backward(tiles, place)
        ctx.planes, ctx.weight_shape = planes, weight.shape
        return _row_by_row(pooled)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor, None]:
        tiles, place = ctx.saved_tensors
        m, h, f = ctx.weight_shape[:3]
        w, _, y, x = ctx.planes
        # (2, 2, w, tiles down, tiles across, m, h), the layout of ``place``.
        grad_pooled = gradients[0].view(w, y // 4, 2, x // 4, 2, m, h).permute(2, 4, 0, 1, 3, 5, 6)
        # Pooling: each gradient goes to the place of its window's maximum, all other places get
        # zero.
        grad_windows = tiles.new_empty(2, 2, 2, 2, *grad_pooled.shape[2:])
        for number in range(4):
            torch.mul(grad_pooled, place == number, out=grad_windows[:, number // 2, :, number % 2])
        # Output transform, backward: A grad A^T, (36, w * tiles, m * h).
        grad_products = _transform_both_axes(_tensor(_OUTPUT, tiles).T, grad_windows.view(4, 4, -1)).view(36, -1, m * h)
        # The gradient of each of the 36 kernels is a product over all tiles of all words. Since the
        # tiles need no gradient, this is the last large product.
        shape = (m * h, f, 1, 1)
        grad_transformed = [
            conv2d_weight(as_images(tile), shape, as_images(grad))  # type: ignore[no-untyped-call]
            for tile, grad in zip(tiles, grad_products, strict=True)
        ]
        # Weight transform, backward: G^T grad G, (3, 3, m * h * f).
        grad_weight = _transform_both_axes(_tensor(_WEIGHT, tiles).T, torch.stack(grad_transformed).view(6, 6, -1))
        grad_relu = torch.where(place == _NONE, 0, grad_pooled).view(-1, m, h).transpose(0, 1)
        grad_bias = grad_relu.new_ones(m, 1, grad_relu.shape[1]).bmm(grad_relu)[:, 0]
        return None, grad_weight.view(3, 3, m, h, f).permute(2, 3, 4, 0, 1), grad_bias, None


def _pooling_windows(tiles: Tensor, transformed: Tensor, heads: torch.Size, planes: torch.Size) -> Tensor:
    """Return the outputs of the convolution as pooling windows.

    They are (2, 2, 2, 2, w, tiles down, tiles across, m, h). The 4 x 4 outputs of a tile form 2 x 2
    windows of 2 x 2 values. Axes 0 and 2 are the window's row and column in the tile. Axes 1 and 3
    are the output's row and column in the window. ``heads`` is (m, h), and ``planes`` the shape of
    the input.
    """
    w, _, y, x = planes
    products = tiles.new_empty(36, len(tiles[0]), heads.numel())
    for tile, kernel, out in zip(tiles, transformed, products, strict=True):
        out.copy_(as_rows(F.conv2d(as_images(tile), kernel)))
    outputs = _transform_both_axes(_tensor(_OUTPUT, tiles), products.view(6, 6, -1))
    return outputs.view(2, 2, 2, 2, w, y // 4, x // 4, *heads)


def _max_pool(windows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the largest value of each window and its place.

    A place is 0 to 3. Both are (2, 2, w, tiles down, tiles across, m, h). Of equal values the first
    wins, as in torch's own pooling.
    """
    largest = windows[:, 0, :, 0].clone()
    place = torch.zeros_like(largest, dtype=torch.uint8)
    for number in range(1, 4):
        value = windows[:, number // 2, :, number % 2]
        torch.maximum(place, (value > largest).view(torch.uint8) * number, out=place)
        torch.maximum(largest, value, out=largest)
    return largest, place


def _row_by_row(pooled: Tensor) -> Tensor:
    """Reorder windows to positions, row by row.

    (2, 2, w, tiles down, tiles across, m, h) becomes (w, positions, m, h).
    """
    _, _, w, _, _, m, h = pooled.shape
    return pooled.permute(2, 3, 0, 4, 1, 5, 6).reshape(w, -1, m, h)


def _transform_both_axes(transform: Tensor, square: Tensor) -> Tensor:
    """Apply a transform to the rows and columns of a matrix.

    ``transform`` (p, q) and ``square`` (q, q, n) give (p, p, n).
    """
    p, q = transform.shape
    rows = (transform @ square.reshape(q, -1)).view(p, q, -1)
    return torch.bmm(transform.expand(p, p, q), rows)


def _tensor(numbers: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=like.dtype, device=like.device)
