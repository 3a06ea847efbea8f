"""3x3 convolution by Winograd's F(4x4, 3x3) (Lavin and Gray, 2016), with ReLU and 2x2 max pooling, for many heads that share their input.

A tile of 6 x 6 inputs gives 4 x 4 outputs in 36 products instead of 144. The tiles of the input are transformed once for all heads.
In float32 its results differ from the direct form's by about 1e-6 of their scale; where two of four pooled values are that close, the
gradient may take another of them (weights' gradients to 1e-3).
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from torch.autograd.function import once_differentiable
from torch.nn.grad import conv2d_weight

from raygroup.model.kernels.products import as_images, as_rows

_INPUT = ((4, 0, -5, 0, 1, 0), (0, -4, -4, 1, 1, 0), (0, 4, -4, -1, 1, 0), (0, -2, -1, 2, 1, 0), (0, 2, -1, -2, 1, 0), (0, 4, 0, -5, 0, 1))
_WEIGHT = ((1 / 4, 0, 0), (-1 / 6,) * 3, (-1 / 6, 1 / 6, -1 / 6), (1 / 24, 1 / 12, 1 / 6), (1 / 24, -1 / 12, 1 / 6), (0, 0, 1))
_OUTPUT = ((1, 1, 1, 1, 1, 0), (0, 1, -1, 2, -2, 0), (0, 1, 1, 4, 4, 0), (0, 1, -1, 8, -8, 1))
_NONE = 4
"""Which of four pooled values passed: 0 to 3, or none, where ReLU stopped it."""


def in_tiles(y: int, x: int) -> bool:
    """Whether planes of y rows and x columns fall into whole tiles."""
    return y % 4 == 0 and x % 4 == 0


def winograd_pooled(words: Tensor, weight: Tensor, bias: Tensor) -> Tensor:
    """(w, f, y, x) planes, one at least and ``in_tiles``, by (m, h, f, 3, 3) weights: relu and pooled, (w, y/2 * x/2, m, h).

    Has gradients for weights and biases, none for the planes.
    """
    pooled: Tensor = _WinogradPooled.apply(transformed_tiles(words), weight, bias, words.shape)  # type: ignore[no-untyped-call]
    return pooled


def transformed_tiles(words: Tensor) -> Tensor:
    """The input transform: (36, w * tiles, f) of planes (w, f, y, x)."""
    padded = F.pad(words.permute(0, 2, 3, 1), (0, 0, 1, 1, 1, 1))
    tiles = padded.unfold(1, 6, 4).unfold(2, 6, 4).permute(4, 5, 0, 1, 2, 3).reshape(6, 6, -1)
    return _both_ways(_matrix(_INPUT, words), tiles).view(36, -1, words.shape[1])


def transformed_weights(weight: Tensor) -> Tensor:
    """The transform of (m, h, f, 3, 3) weights: 36 kernels (m * h, f, 1, 1)."""
    m, h, f = weight.shape[:3]
    return _both_ways(_matrix(_WEIGHT, weight), weight.permute(3, 4, 0, 1, 2).reshape(3, 3, -1)).view(36, m * h, f, 1, 1)


def read_pooled(words: Tensor, transformed: Tensor, bias: Tensor) -> Tensor:
    """``winograd_pooled`` without gradients, from weights that are transformed already."""
    windows = _windows(transformed_tiles(words), transformed, bias.shape, words.shape)
    largest = windows[:, 0, :, 0].maximum(windows[:, 0, :, 1]).maximum(windows[:, 1, :, 0]).maximum(windows[:, 1, :, 1])
    return _in_order(largest.add_(bias).relu_())


class _WinogradPooled(torch.autograd.Function):
    @staticmethod
    def forward(ctx: Any, tiles: Tensor, weight: Tensor, bias: Tensor, planes: torch.Size) -> Tensor:
        windows = _windows(tiles, transformed_weights(weight), bias.shape, planes)
        pooled, passed = _pooled(windows)
        pooled = pooled.add_(bias).relu_()
        torch.maximum(passed, (pooled == 0).view(torch.uint8) * _NONE, out=passed)
        ctx.save_for_backward(tiles, passed)
        ctx.planes, ctx.weight_shape = planes, weight.shape
        return _in_order(pooled)

    @staticmethod
    @once_differentiable
    def backward(ctx: Any, *gradients: Tensor) -> tuple[None, Tensor, Tensor, None]:
        tiles, passed = ctx.saved_tensors
        m, h, f = ctx.weight_shape[:3]
        w, _, y, x = ctx.planes
        of_pooled = gradients[0].view(w, y // 4, 2, x // 4, 2, m, h).permute(2, 4, 0, 1, 3, 5, 6)
        of_windows = tiles.new_empty(2, 2, 2, 2, *of_pooled.shape[2:])
        for place in range(4):
            torch.mul(of_pooled, passed == place, out=of_windows[:, place // 2, :, place % 2])
        of_found = _both_ways(_matrix(_OUTPUT, tiles).T, of_windows.view(4, 4, -1)).view(36, -1, m * h)
        shape = (m * h, f, 1, 1)
        of_transformed = [
            conv2d_weight(as_images(tile), shape, as_images(out))  # type: ignore[no-untyped-call]
            for tile, out in zip(tiles, of_found, strict=True)
        ]
        of_weight = _both_ways(_matrix(_WEIGHT, tiles).T, torch.stack(of_transformed).view(6, 6, -1))
        passing = torch.where(passed == _NONE, 0, of_pooled).view(-1, m, h).transpose(0, 1)
        of_bias = passing.new_ones(m, 1, passing.shape[1]).bmm(passing)[:, 0]
        return None, of_weight.view(3, 3, m, h, f).permute(2, 3, 4, 0, 1), of_bias, None


def _windows(tiles: Tensor, transformed: Tensor, heads: torch.Size, planes: torch.Size) -> Tensor:
    """The convolution's outputs as pooling windows: (2, 2, 2, 2, w, tiles down, tiles across, m, h), where in a tile the window is (down,
    then across, dimensions 0 and 2) and where in the window the output (1 and 3)."""
    w, _, y, x = planes
    found = tiles.new_empty(36, len(tiles[0]), heads.numel())
    for tile, kernel, out in zip(tiles, transformed, found, strict=True):
        out.copy_(as_rows(F.conv2d(as_images(tile), kernel)))
    return _both_ways(_matrix(_OUTPUT, tiles), found.view(6, 6, -1)).view(2, 2, 2, 2, w, y // 4, x // 4, *heads)


def _in_order(pooled: Tensor) -> Tensor:
    """(2, 2, w, tiles down, tiles across, m, h) -> (w, positions row by row, m, h)."""
    _, _, w, _, _, m, h = pooled.shape
    return pooled.permute(2, 3, 0, 4, 1, 5, 6).reshape(w, -1, m, h)


def _pooled(windows: Tensor) -> tuple[Tensor, Tensor]:
    """The largest of each 2x2 window (dimensions 1 and 3), and which it is: the first of equals, as torch's own pooling."""
    best = windows[:, 0, :, 0].clone()
    passed = torch.zeros_like(best, dtype=torch.uint8)
    for place in range(1, 4):
        other = windows[:, place // 2, :, place % 2]
        torch.maximum(passed, (other > best).view(torch.uint8) * place, out=passed)
        torch.maximum(best, other, out=best)
    return best, passed


def _both_ways(once: Tensor, square: Tensor) -> Tensor:
    """A one-dimensional transform (p, q) of the rows and of the columns of (q, q, n): (p, p, n)."""
    p, q = once.shape
    rows = (once @ square.reshape(q, -1)).view(p, q, -1)
    return torch.bmm(once.expand(p, p, q), rows)


def _matrix(numbers: tuple[tuple[float, ...], ...], like: Tensor) -> Tensor:
    return torch.tensor(numbers, dtype=like.dtype, device=like.device)
