"""RoIAlign: the features of regions, resampled to one size.

It is the reference's unaligned variant. A bin is the mean of 2 x 2 samples, and a sample lies between
four feature pixels. The sixteen pixels of a bin form one bag of rows with weights, so all bins of all
regions are one call of ``embedding_bag``. Shapes: r regions, s rows and columns of bins.
"""

import torch
import torch.nn.functional as F
from torch import Tensor

SAMPLES = 2
"""Samples of a bin along each axis."""
SCALE = 0.25
"""Feature pixels for each image pixel."""


def roi_align(features: Tensor, boxes: Tensor, images: Tensor, size: int, scale: float = SCALE) -> Tensor:
    """Return the features of boxes (r, 4) in image pixels, (r, c, size, size).

    ``features`` is (n, c, h, w), and ``images`` (r,) the image of each box. Boxes have no gradients.
    Parts outside the features are zero.
    """
    n, channels, height, width = features.shape
    if not len(boxes):
        return features.new_zeros(0, channels, size, size) + 0 * features.sum()
    boxes = boxes.detach().to(features.dtype) * scale
    columns, column_weights = _axis_samples(boxes[:, 0], boxes[:, 2], width, size)
    rows, row_weights = _axis_samples(boxes[:, 1], boxes[:, 3], height, size)
    # The weight of a pixel is the product of the weights of its row and of its column.
    first_row = (images.to(rows.device) * height)[:, None, None]
    pixels = ((rows + first_row) * width)[:, :, None, :, None] + columns[:, None, :, None, :]
    weights = row_weights[:, :, None, :, None] * column_weights[:, None, :, None, :]
    table = features.permute(0, 2, 3, 1).reshape(n * height * width, channels)
    bags = F.embedding_bag(pixels.flatten(3).flatten(0, 2), table, mode="sum", per_sample_weights=weights.flatten(3).flatten(0, 2))
    return bags.view(len(boxes), size, size, channels).permute(0, 3, 1, 2)


def _axis_samples(start: Tensor, end: Tensor, length: int, size: int) -> tuple[Tensor, Tensor]:
    """Return the pixels of each bin along one axis and their weights, both (r, size, 4).

    ``start`` and ``end`` are (r,) in feature pixels, of which the axis has ``length``. A region is at
    least one pixel long.
    """
    offsets = (torch.arange(size * SAMPLES, device=start.device, dtype=start.dtype) + 0.5) / SAMPLES
    bin_length = (end - start).clamp(min=1) / size
    positions = start[:, None] + offsets * bin_length[:, None]
    inside = (positions >= -1) & (positions <= length)
    positions = positions.clamp(0, length - 1)
    lower = positions.floor().clamp(max=max(length - 2, 0))
    share = positions - lower
    upper = (lower + 1).clamp(max=length - 1)
    weights = torch.stack([1 - share, share], -1) * inside[..., None] / SAMPLES
    pixels = torch.stack([lower, upper], -1).long()
    shape = (len(start), size, 2 * SAMPLES)
    return pixels.view(shape), weights.view(shape)
