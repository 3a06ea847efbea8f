"""Draw polygons as masks of RoIs, pixel for pixel as COCO's run-length encoding does.

Hard RoI masking multiplies the features of a word by its polygon. The masks of all RoIs are drawn in
one pass: the points where outlines cross from one column to the next are counted along the columns,
and a pixel after an odd number of them is inside.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon
from raygroup.spotting.outlines import Floats, Outlines

_FINE = 5
"""COCO's grid: outlines run on fifths of a pixel."""
_INSIDE_EDGE = 2
"""An outline crosses a column where it steps from this fifth of a pixel to the next."""

Whole = NDArray[np.int64]


def roi_masks(polygons: Sequence[Polygon], boxes: NDArray[np.floating], size: int) -> NDArray[np.uint8]:
    """Return the mask of each polygon within its box, (n, size, size), 1 inside.

    Boxes (n, 4) are scaled to the mask. Sides of less than a pixel count as one pixel. A polygon
    without an area has an empty mask.
    """
    parities = np.zeros((len(polygons), size * size + 1), np.uint8)
    if len(polygons):
        outlines = Outlines.of(polygons)
        rois, places = _crossings(_fine_points(outlines, np.asarray(boxes, np.float64), size), outlines, size)
        flat = np.bincount(rois * (size * size + 1) + places, minlength=parities.size)
        parities = (flat.reshape(parities.shape) & 1).astype(np.uint8)
    inside = np.bitwise_xor.accumulate(parities[:, :-1], axis=1)
    return np.ascontiguousarray(inside.reshape(-1, size, size).swapaxes(1, 2))


def _fine_points(outlines: Outlines, boxes: Floats, size: int) -> Whole:
    """Return the points on the fine grid of their masks, (k, 2)."""
    scales = size / np.maximum(boxes[:, 2:] - boxes[:, :2], 1)
    owners = outlines.owners
    local = (outlines.points - boxes[owners, :2]) * scales[owners]
    return np.trunc(_FINE * local + 0.5).astype(np.int64)


def _crossings(points: Whole, outlines: Outlines, size: int) -> tuple[Whole, Whole]:
    """Return mask and place of each crossing. Places run down the columns, one after another."""
    ends = points[outlines.following()]
    least = np.minimum(points[:, 0], ends[:, 0])
    most = np.maximum(points[:, 0], ends[:, 0])
    # columns whose step from fifth to fifth lies on the edge
    first = np.maximum(-((_INSIDE_EDGE - least) // _FINE), 0)
    last = np.minimum((most - 1 - _INSIDE_EDGE) // _FINE, size - 1)
    counts = np.maximum(last - first + 1, 0)
    edges = np.repeat(np.arange(len(points)), counts)
    columns = np.arange(len(edges)) - np.repeat(np.cumsum(counts) - counts, counts) + first[edges]
    heights = _heights(points[edges], ends[edges], columns * _FINE + _INSIDE_EDGE)
    rows = np.clip(-((_INSIDE_EDGE - heights) // _FINE), 0, size)
    return outlines.owners[edges], columns * size + rows


def _heights(starts: Whole, ends: Whole, abscissas: Whole) -> Whole:
    """Return the upper of an edge's two points around a step from one abscissa to the next."""
    spans = np.abs(ends - starts)
    is_flat = spans[:, 0] >= spans[:, 1]
    axis = np.where(is_flat, 0, 1)
    rows = np.arange(len(starts))
    # an edge is walked along its longer axis, and upwards on it
    turned = (starts[rows, axis] > ends[rows, axis])[:, None]
    low, high = np.where(turned, ends, starts), np.where(turned, starts, ends)
    slope = (high[rows, 1 - axis] - low[rows, 1 - axis]) / spans[rows, axis]
    steps = abscissas - low[:, 0]
    flat = np.minimum(_rounded(low[:, 1], slope, steps), _rounded(low[:, 1], slope, steps + 1))
    steep = low[:, 1] + _steep_steps(low[:, 0], slope, abscissas)
    return np.asarray(np.where(is_flat, flat, steep), np.int64)


def _steep_steps(start: Whole, slope: Floats, abscissas: Whole) -> Whole:
    """Return the last step down a steep edge before it passes an abscissa's edge."""
    rising = slope > 0
    exact = np.divide(abscissas + 0.5 - start, slope, out=np.zeros(len(slope)), where=slope != 0)
    steps = np.floor(exact).astype(np.int64)
    # the walk rounds each step by itself, which decides near the edge
    is_past = (_rounded(start, slope, steps) <= abscissas) != rising
    is_early = (_rounded(start, slope, steps + 1) <= abscissas) == rising
    return np.asarray(np.where(is_past, steps - 1, np.where(is_early, steps + 1, steps)), np.int64)


def _rounded(start: Whole, slope: Floats, steps: Whole) -> Whole:
    return np.trunc(start + slope * steps + 0.5).astype(np.int64)
