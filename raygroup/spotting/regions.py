"""Turn segmentation maps into regions of text.

A region is a connected piece of the map above a threshold. All regions of a map are measured and
grown together, so fifty words cost hardly more than one.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon
from raygroup.spotting.offsets import SHRINK_RATIO, offset_polygons, rectangle_measures, unclipping_offsets
from raygroup.spotting.outlines import Floats, Outlines
from raygroup.spotting.rectangles import rectangle_corners

_PIXEL_EDGE = 0.5
"""From the centre of a pixel to its edge: contours run through centres."""


@dataclass(frozen=True, kw_only=True)
class RegionSettings:
    """The choices of post-processing. They are stored with the network, because they fit its training."""

    threshold: float = 0.7
    """Probability above which a pixel belongs to a kernel. Hard negatives push probabilities up, so 0.1 makes words merge."""
    least_score: float = 0.83
    """Least mean probability of a region's pixels."""
    least_pixels: int = 6
    """Least number of a kernel's pixels."""
    least_side: float = 2.0
    """Least side in pixels of the rectangle around a kernel."""
    outline: Literal["rectangle", "polygon"] = "rectangle"
    """The form of ``Regions.polygons``."""
    shrink_ratio: float = SHRINK_RATIO
    """The ratio with which the network's targets were shrunk."""
    most_regions: int = 1000
    """Most regions of an image. Those with the best scores are kept."""


@dataclass(frozen=True, slots=True, eq=False)
class Regions:
    """The n regions of one image, in pixels of the map."""

    boxes: NDArray[np.float32]
    """Upright boxes around the regions, within the image, (n, 4)."""
    scores: Floats
    """(n,)."""
    polygons: tuple[Polygon, ...]
    """The outline of each region. It may reach over the border of the image."""
    rectangles: Floats
    """Rotated rectangles, (n, 4, 2), clockwise from the corner at the top of the beginning."""

    def __len__(self) -> int:
        return len(self.scores)


def find_regions(probabilities: NDArray[np.float32], settings: RegionSettings) -> Regions:
    """Return the regions of one segmentation map, (height, width), the largest score first.

    A map without text gives no regions.
    """
    contours, scores = _contours(probabilities, settings)
    if not contours:
        return no_regions()
    centres, sides, angles = _smallest_rectangles(contours)
    wide_enough = sides.min(axis=1) >= settings.least_side
    order = np.flatnonzero(wide_enough)[np.argsort(-scores[wide_enough], kind="stable")][: settings.most_regions]
    grown = sides[order] + 2 * unclipping_offsets(rectangle_measures(sides[order]), settings.shrink_ratio)[:, None]
    rectangles = rectangle_corners(centres[order], grown, angles[order])
    polygons = tuple(rectangles)
    if settings.outline == "polygon":
        polygons = _grown_outlines([contours[place] for place in order], rectangles, settings.shrink_ratio)
    return Regions(upright_boxes(polygons, probabilities.shape), scores[order], polygons, rectangles)


def no_regions() -> Regions:
    """Return the result for an image without text."""
    return Regions(np.zeros((0, 4), np.float32), np.zeros(0), (), np.zeros((0, 4, 2)))


def upright_boxes(polygons: tuple[Polygon, ...], shape: tuple[int, ...]) -> NDArray[np.float32]:
    """Return the upright box around each polygon, clipped to the image, (n, 4)."""
    if not polygons:
        return np.zeros((0, 4), np.float32)
    outlines = Outlines.of(polygons)
    least = np.minimum.reduceat(outlines.points, outlines.starts)
    most = np.maximum.reduceat(outlines.points, outlines.starts)
    height, width = shape[:2]
    return np.clip(np.concatenate([least, most], axis=1), 0, (width, height, width, height)).astype(np.float32)


def _contours(probabilities: NDArray[np.float32], settings: RegionSettings) -> tuple[list[NDArray[np.int32]], Floats]:
    """Return the outer contours of the connected pieces that are large and sure enough, and their scores."""
    bitmap = np.asarray(probabilities > settings.threshold, np.uint8)
    _, labels, stats, _ = cv2.connectedComponentsWithStats(bitmap, connectivity=8, ltype=cv2.CV_32S)
    pixels = np.flatnonzero(bitmap)
    totals = np.bincount(labels.ravel()[pixels], probabilities.ravel()[pixels], minlength=len(stats))
    counts = stats[:, cv2.CC_STAT_AREA]
    means = totals / np.maximum(counts, 1)
    contours, hierarchy = cv2.findContours(bitmap, cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if hierarchy is None:
        return [], np.zeros(0)
    outer = [contour[:, 0] for contour, parent in zip(contours, hierarchy[0, :, 3], strict=True) if parent < 0]
    firsts = np.array([contour[0] for contour in outer])
    pieces = labels[firsts[:, 1], firsts[:, 0]]
    kept = np.flatnonzero((counts[pieces] >= settings.least_pixels) & (means[pieces] >= settings.least_score))
    return [outer[place] for place in kept], means[pieces[kept]]


def _smallest_rectangles(contours: list[NDArray[np.int32]]) -> tuple[Floats, Floats, Floats]:
    """Return centres (n, 2), sides (n, 2) and angles (n,) in degrees of the rectangles around whole pixels."""
    found = np.array([(*centre, *sides, angle) for centre, sides, angle in map(cv2.minAreaRect, contours)])
    return found[:, :2] + _PIXEL_EDGE, found[:, 2:4] + 2 * _PIXEL_EDGE, found[:, 4]


def _grown_outlines(contours: list[NDArray[np.int32]], rectangles: Floats, ratio: float) -> tuple[Polygon, ...]:
    """Return the outlines of the words whose kernels have these contours.

    A contour of fewer than three corners, or one that crosses itself, gives way to its rectangle.
    """
    smooth = [_smooth(contour) for contour in contours]
    edges = Outlines.of(smooth).measure().grow(_PIXEL_EDGE)
    offsets = unclipping_offsets(edges, ratio) + _PIXEL_EDGE
    usable = [place for place, outline in enumerate(smooth) if len(outline) >= 3]
    polygons = list(rectangles)
    for place, grown in zip(usable, offset_polygons([smooth[place] for place in usable], offsets[usable]), strict=True):
        if len(grown) >= 3 and cv2.contourArea(grown.astype(np.float32)) >= edges.areas[place]:
            polygons[place] = grown
    return tuple(polygons)


def _smooth(contour: NDArray[np.int32]) -> Polygon:
    """Return a contour without the stairs of its pixels, in pixel coordinates."""
    tolerance = min(max(0.005 * cv2.arcLength(contour, True), 0.75), 3.0)
    return np.asarray(cv2.approxPolyDP(contour, tolerance, True)[:, 0], np.float64) + _PIXEL_EDGE
