"""Turn segmentation maps into regions exactly as the released code does.

A checkpoint of that code base was trained and measured with this post-processing, its quirks
included. Networks trained here use ``regions``.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon
from raygroup.spotting.offsets import grow_on_grid
from raygroup.spotting.outlines import Floats
from raygroup.spotting.rectangles import sorted_corners
from raygroup.spotting.regions import Regions, no_regions


@dataclass(frozen=True, kw_only=True)
class ReferenceSettings:
    """The choices of the released post-processing, with its values."""

    threshold: float = 0.1
    least_score: float = 0.1
    """Least mean probability inside the smallest rectangle. In training all regions are kept."""
    least_side: float = 5.0
    """Least side of the smallest rectangle around the centres of a contour's pixels."""
    polygon_growth: float = 3.0
    """A polygon grows by this times its area over its perimeter."""
    box_growth: float = 1.5
    """The smallest rectangle grows by this times its area over its perimeter."""
    most_regions: int = 1000
    """Most regions of an image: the first, not the best."""


def reference_regions(
    probabilities: NDArray[np.float32], image_size: tuple[int, int], settings: ReferenceSettings, *, training: bool = False
) -> Regions:
    """Return the regions of one padded map, in the order of its contours.

    ``image_size`` is the height and width without the padding. Boxes end a pixel before them. If there is
    no text there are no regions, where the released code returns an empty box in the corner.
    """
    found = list(islice(_regions(probabilities, settings, training), settings.most_regions))
    if not found:
        return no_regions()
    scores, polygons, boxes, rectangles = zip(*found, strict=True)
    height, width = image_size
    clipped = np.clip(np.stack(boxes), 0, (width - 1, height - 1) * 2).astype(np.float32)
    return Regions(clipped, np.array(scores), polygons, np.stack(rectangles))


def _regions(
    probabilities: NDArray[np.float32], settings: ReferenceSettings, training: bool
) -> Iterator[tuple[float, Polygon, Floats, Floats]]:
    """Yield score, polygon, box and rectangle of every contour that passes. Holes have contours too."""
    bitmap = np.asarray(probabilities > settings.threshold, np.uint8)
    contours, _ = cv2.findContours(bitmap, cv2.RETR_LIST, cv2.CHAIN_APPROX_NONE)
    for contour in contours:
        smallest = cv2.minAreaRect(contour)
        if min(smallest[1]) < settings.least_side:
            continue
        rectangle = sorted_corners(smallest)
        score = _mean_inside(probabilities, rectangle)
        if score < settings.least_score and not training:
            continue
        outline = cv2.approxPolyDP(contour, 0.01 * cv2.arcLength(contour, True), True)[:, 0].astype(np.float64)
        pieces = grow_on_grid(outline, settings.polygon_growth) if len(outline) >= 3 else []
        if len(pieces) == 1:
            yield score, pieces[0], *_grown_rectangle(rectangle, settings.box_growth, bitmap.shape)


def _mean_inside(probabilities: NDArray[np.float32], corners: Floats) -> float:
    """Return the mean probability of the pixels in a polygon, whose corners lose their fractions."""
    height, width = probabilities.shape
    left, top = np.clip(np.floor(corners.min(axis=0)), 0, (width - 1, height - 1)).astype(int)
    right, bottom = np.clip(np.ceil(corners.max(axis=0)), 0, (width - 1, height - 1)).astype(int)
    mask = np.zeros((bottom - top + 1, right - left + 1), np.uint8)
    cv2.fillPoly(mask, [(corners - (left, top)).astype(np.int32)], 1)
    return float(cv2.mean(np.ascontiguousarray(probabilities[top : bottom + 1, left : right + 1]), mask)[0])


def _grown_rectangle(rectangle: Floats, growth: float, shape: tuple[int, ...]) -> tuple[Floats, Floats]:
    """Return the upright box around a grown rectangle, and the smallest rectangle around it.

    The corners of the grown one are round, so the box is narrower than that of a tilted rectangle.
    Points beyond the map move to its border first.
    """
    height, width = shape
    points = np.clip(np.concatenate(grow_on_grid(rectangle, growth)), 0, (width, height))
    box = np.concatenate([points.min(axis=0), points.max(axis=0)])
    return box, sorted_corners(cv2.minAreaRect(points.astype(np.float32)))
