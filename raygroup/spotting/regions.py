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
from raygroup.spotting.outlines import Floats, Measures, Outlines
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


@dataclass(frozen=True, slots=True, eq=False)
class _Kernels:
    """The n connected pieces of a map."""

    contours: list[NDArray[np.int32]]
    """Outer contours, through the centres of pixels."""
    scores: Floats
    """Mean probabilities."""
    pixels: Floats
    """Numbers of pixels."""

    def take(self, places: NDArray[np.intp]) -> "_Kernels":
        return _Kernels([self.contours[place] for place in places], self.scores[places], self.pixels[places])


def find_regions(probabilities: NDArray[np.float32], settings: RegionSettings) -> Regions:
    """Return the regions of one segmentation map, (height, width), the largest score first.

    A map without text gives no regions.
    """
    kernels = _find_kernels(probabilities, settings)
    centres, sides, angles = _smallest_rectangles(kernels)
    wide_enough = np.flatnonzero(sides.min(axis=1, initial=np.inf) >= settings.least_side)
    order = wide_enough[np.argsort(-kernels.scores[wide_enough], kind="stable")][: settings.most_regions]
    if not len(order):
        return no_regions()
    grown = sides[order] + 2 * unclipping_offsets(rectangle_measures(sides[order]), settings.shrink_ratio)[:, None]
    rectangles = rectangle_corners(centres[order], grown, angles[order])
    kernels = kernels.take(order)
    polygons = tuple(rectangles) if settings.outline == "rectangle" else _grown_outlines(kernels, rectangles, settings.shrink_ratio)
    return Regions(upright_boxes(polygons, probabilities.shape), kernels.scores, polygons, rectangles)


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
    return np.asarray(np.clip(np.concatenate([least, most], axis=1), 0, (width, height, width, height)), np.float32)


def _find_kernels(probabilities: NDArray[np.float32], settings: RegionSettings) -> _Kernels:
    """Return the connected pieces that are large and sure enough."""
    is_text = probabilities > settings.threshold
    contours, hierarchy = cv2.findContours(is_text.view(np.uint8), cv2.RETR_CCOMP, cv2.CHAIN_APPROX_SIMPLE)
    if hierarchy is None:
        return _Kernels([], np.zeros(0), np.zeros(0))
    outer = [contour for contour, parent in zip(contours, hierarchy[0, :, 3], strict=True) if parent < 0]
    # pieces within the hole of another are painted after it
    outer.sort(key=cv2.contourArea, reverse=True)
    labels = np.zeros(is_text.shape, np.uint16 if len(outer) < 1 << 16 else np.int32)
    for label, contour in enumerate(outer):
        cv2.drawContours(labels, [contour], 0, label, cv2.FILLED)
    pixels = np.flatnonzero(is_text)
    owners = labels.ravel()[pixels]
    counts = np.bincount(owners, minlength=len(outer)).astype(np.float64)
    means = np.bincount(owners, probabilities.ravel()[pixels], minlength=len(outer)) / counts
    kept = np.flatnonzero((counts >= settings.least_pixels) & (means >= settings.least_score))
    return _Kernels([np.asarray(contour[:, 0], np.int32) for contour in outer], means, counts).take(kept)


def _smallest_rectangles(kernels: _Kernels) -> tuple[Floats, Floats, Floats]:
    """Return centres (n, 2), sides (n, 2) and angles (n,) in degrees of the rectangles around kernels."""
    smallest = [(*centre, *sides, angle) for centre, sides, angle in map(cv2.minAreaRect, kernels.contours)]
    rows = np.array(smallest, np.float64).reshape(-1, 5)
    sides = rows[:, 2:4]
    return rows[:, :2] + _PIXEL_EDGE, sides + 2 * _edges(rectangle_measures(sides), kernels.pixels)[:, None], rows[:, 4]


def _edges(through_centres: Measures, pixels: Floats) -> Floats:
    """Return how far outlines through the centres of pixels grow to lie on the edges of the pixels.

    This is half a pixel for level outlines, and less for others, which touch the foremost pixels. The
    number of pixels tells.
    """
    return np.minimum(through_centres.offsets_to(pixels), _PIXEL_EDGE)


def _grown_outlines(kernels: _Kernels, rectangles: Floats, ratio: float) -> tuple[Polygon, ...]:
    """Return the outlines of the words that have these kernels.

    A contour of fewer than three corners, or one that crosses itself, gives way to its rectangle.
    """
    smooth = [_smooth(contour) for contour in kernels.contours]
    measures = Outlines.of(smooth).measure()
    edges = _edges(measures, kernels.pixels)
    offsets = edges + unclipping_offsets(measures.grow(edges), ratio)
    usable = [place for place, outline in enumerate(smooth) if len(outline) >= 3]
    polygons = list(rectangles)
    for place, grown in zip(usable, offset_polygons([smooth[place] for place in usable], offsets[usable]), strict=True):
        if len(grown) >= 3 and cv2.contourArea(grown.astype(np.float32)) >= measures.areas[place]:
            polygons[place] = grown
    return tuple(polygons)


def _smooth(contour: NDArray[np.int32]) -> Polygon:
    """Return a contour without the stairs of its pixels, in pixel coordinates."""
    length = cv2.arcLength(contour, True)
    thickness = 2 * cv2.contourArea(contour) / max(length, 1.0)
    tolerance = max(1.0, min(0.01 * length, 0.1 * thickness))
    return np.asarray(cv2.approxPolyDP(contour, tolerance, True)[:, 0], np.float64) + _PIXEL_EDGE
