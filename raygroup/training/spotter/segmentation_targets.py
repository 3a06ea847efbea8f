"""Draw the targets of the segmentation network: the kernels of words, and the pixels that count."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.scene import Instance, Polygon
from raygroup.spotting.offsets import SHRINK_RATIO, shrink_on_grid, shrink_polygons

Map = NDArray[np.uint8]
"""(height, width), 0 or 1."""

LEAST_SIDE = 7.0
"""Pixels: words whose smallest rectangle is narrower are don't-cares. Their kernels would be lines."""
_FINE_BITS = 4
"""OpenCV fills polygons on sixteenths of a pixel."""
_FILLED_EDGE = 0.5
"""OpenCV also fills the pixels on the outline: about half a pixel more on each side."""


@dataclass(frozen=True, slots=True, eq=False)
class SegmentationTargets:
    """The target of one image."""

    kernels: Map
    """1 in the kernels of words."""
    weights: Map
    """0 where a pixel counts in no loss."""


def labelled_polygons(instances: Iterable[Instance]) -> tuple[list[Polygon], NDArray[np.bool_]]:
    """Return the polygons of a scene's words, and which are don't-cares, (n,)."""
    pairs = [(instance.polygon, instance.dont_care) for instance in instances if instance.polygon is not None]
    return [polygon for polygon, _ in pairs], np.array([dont_care for _, dont_care in pairs], bool)


def segmentation_targets(
    polygons: Sequence[Polygon], is_ignored: NDArray[np.bool_], shape: tuple[int, int], *,
    ratio: float = SHRINK_RATIO, least_side: float = LEAST_SIDE,
) -> SegmentationTargets:  # fmt: skip
    """Return kernels on fractions of a pixel, and ignore don't-cares and words that are too small.

    Pixels of a kernel count even within a don't-care.
    """
    kernels = shrink_polygons(polygons, ratio, inset=_FILLED_EDGE) if polygons else []
    sides = [min(cv2.minAreaRect(polygon.astype(np.float32))[1]) for polygon in polygons]
    is_word = [
        not ignored and side >= least_side and len(kernel) >= 3
        for ignored, side, kernel in zip(is_ignored.tolist(), sides, kernels, strict=True)
    ]
    target, ignored = np.zeros(shape, np.uint8), np.zeros(shape, np.uint8)
    for polygon, kernel, counts in zip(polygons, kernels, is_word, strict=True):
        _fill(target if counts else ignored, kernel if counts else polygon)
    return SegmentationTargets(target, np.maximum(target, 1 - ignored))


def reference_targets(
    polygons: Sequence[Polygon], is_ignored: NDArray[np.bool_], shape: tuple[int, int], *, ratio: float = SHRINK_RATIO
) -> SegmentationTargets:
    """Return targets as the released code draws them.

    Polygons of three corners take no part at all. Words whose kernels vanish are ignored.
    """
    target, weights = np.zeros(shape, np.uint8), np.ones(shape, np.uint8)
    for polygon, ignored in zip(polygons, is_ignored.tolist(), strict=True):
        if len(polygon) < 4:
            continue
        kernel = None if ignored else shrink_on_grid(polygon, ratio)
        place, value, outline = (weights, 0, polygon) if kernel is None else (target, 1, kernel)
        cv2.fillPoly(place, [outline.astype(np.int32)], value)
    return SegmentationTargets(target, weights)


def _fill(place: Map, polygon: Polygon) -> None:
    """Fill a polygon with ones. Its coordinates count from the image's corner, those of OpenCV from a pixel's centre."""
    corners = np.round((polygon - 0.5) * (1 << _FINE_BITS)).astype(np.int32)
    cv2.fillPoly(place, [corners], 1, shift=_FINE_BITS)
