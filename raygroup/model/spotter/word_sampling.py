"""Resample features along the rectangles of words, as a word crop is cut out of a photograph.

Shapes: n feature maps, w words. A rectangle (w, 4, 2) is in reading order from the top of the
beginning, in shares of the map's width and height.
"""

import torch
import torch.nn.functional as F
from torch import Tensor


def sample_rectangles(features: Tensor, rectangles: Tensor, filled: Tensor, images: Tensor | None, size: tuple[int, int]) -> Tensor:
    """Return the features of words, (w, c, rows, columns).

    ``features`` is (n, c, h, w'), and ``images`` (w,) the map of each word. None means that each word
    has a map of its own. ``filled`` (w,) is the share of the columns that a word fills. The features
    after it are zero.
    """
    points, inside = _sample_points(rectangles.to(features.dtype), filled.to(features.dtype), size)
    if not len(points):
        return features.new_zeros(0, features.shape[1], *size) + 0 * features.sum()
    if images is None:
        return F.grid_sample(features, points, align_corners=False) * inside
    order = images.argsort(stable=True)
    parts = [_sample_one(planes, points[images == number]) for number, planes in enumerate(features) if (images == number).any()]
    return torch.cat(parts)[order.argsort()] * inside


def _sample_one(features: Tensor, points: Tensor) -> Tensor:
    """Return the features (k, c, rows, columns) of k words of one map (c, h, w')."""
    words, rows, columns, _ = points.shape
    sampled = F.grid_sample(features[None], points.reshape(1, words * rows, columns, 2), align_corners=False)[0]
    return sampled.unflatten(1, (words, rows)).transpose(0, 1)  # type: ignore[no-any-return, no-untyped-call]


def _sample_points(rectangles: Tensor, filled: Tensor, size: tuple[int, int]) -> tuple[Tensor, Tensor]:
    """Return the points (w, rows, columns, 2) from -1 to 1 over the map, and which columns show the word."""
    down, across = ((torch.arange(length, device=rectangles.device, dtype=rectangles.dtype) + 0.5) / length for length in size)
    along = across / filled[:, None].clamp(min=1e-6)
    top, bottom = (
        start[:, None] + along[..., None] * (end - start)[:, None]
        for start, end in ((rectangles[:, 0], rectangles[:, 1]), (rectangles[:, 3], rectangles[:, 2]))
    )
    points = top[:, None] + down[:, None, None] * (bottom - top)[:, None]
    inside = (along <= 1).to(rectangles.dtype)[:, None, None]
    return 2 * points - 1, inside
