"""Words cut out of scenes: quadrilaterals by perspective, other polygons upright and masked."""

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.scenes.images import Pixels
from raygroup.scenes.scene import Polygon

VERTICAL = 1.5
"""Crops so many times higher than wide are turned a quarter to the left, as readers of lines expect vertical text."""
_LEAST = 2.0
"""Pixels: a side that is shorter shows nothing."""
_WIDEST = 4096


def crop(pixels: Pixels, polygon: Polygon | None, height: int = 64, *, turn_vertical: bool = True) -> Pixels | None:
    """The word inside a polygon, upright, at its own size or ``height`` pixels high where it is larger; None where it is too small or
    outside of the image. ``polygon`` None: the whole image.

    Of a polygon with more corners than four the smallest rectangle around it is cut out, and what lies outside of the polygon is
    painted in the median colour of what lies inside.
    """
    if polygon is None:
        return _fitted(pixels, height)
    corners = reading_quad(polygon)
    if not _meets(corners, pixels):
        return None
    if _is_vertical(corners) and turn_vertical:
        corners = np.roll(corners, -1, axis=0)
    wide, high = _sides(corners)
    if min(wide, high) < _LEAST:
        return None
    scale = min(1.0, height / high, _WIDEST / wide)
    size = (max(round(wide * scale), 1), max(round(high * scale), 1))
    # two steps where it shrinks much: a perspective alone would skip pixels
    drawn = size if scale > 0.6 else (min(round(wide), 2 * size[0]), min(round(high), 2 * size[1]))
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), _upright(*drawn))
    word = np.asarray(cv2.warpPerspective(pixels, matrix, drawn, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    if len(polygon) != 4:
        word = _masked(word, cv2.perspectiveTransform(polygon[None].astype(np.float32), matrix)[0])
    return np.asarray(word if drawn == size else cv2.resize(word, size, interpolation=cv2.INTER_AREA), np.uint8)


def reading_quad(polygon: Polygon) -> Polygon:
    """(4, 2): the corners of a word in reading order: where it begins above, ends above, ends below, begins below.

    A quadrilateral is taken as labelled. For more corners than four it is the smallest rectangle around the polygon, turned so that its
    corners lie next to the ends of the polygon's two long sides, which labels tell one after the other.
    """
    if len(polygon) == 4:
        return polygon
    box = np.asarray(cv2.boxPoints(cv2.minAreaRect(polygon.astype(np.float32))), np.float64)
    middle = len(polygon) // 2
    ends = polygon[[0, max(middle - 1, 0), middle, len(polygon) - 1]]
    orders = [np.roll(way, turn, axis=0) for way in (box, box[::-1]) for turn in range(4)]
    return min(orders, key=lambda order: float(((order - ends) ** 2).sum()))


def _masked(word: NDArray[np.uint8], polygon: NDArray[np.float32]) -> NDArray[np.uint8]:
    mask = np.zeros(word.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 1)
    inside = word[mask > 0]
    if len(inside):
        word[mask == 0] = np.median(inside, axis=0).astype(np.uint8)
    return word


def _fitted(pixels: Pixels, height: int) -> Pixels:
    high, wide = pixels.shape[:2]
    scale = min(1.0, height / high, _WIDEST / wide)
    if scale == 1:
        return pixels
    size = (max(round(wide * scale), 1), max(round(high * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _meets(corners: Polygon, pixels: Pixels) -> bool:
    high, wide = pixels.shape[:2]
    least, most = corners.min(axis=0), corners.max(axis=0)
    return bool(least[0] < wide and least[1] < high and most[0] > 0 and most[1] > 0)


def _sides(corners: Polygon) -> tuple[float, float]:
    """The longer of the two opposite sides each: width and height of the word."""
    lengths = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    return float(max(lengths[0], lengths[2])), float(max(lengths[1], lengths[3]))


def _is_vertical(corners: Polygon) -> bool:
    wide, high = _sides(corners)
    return high > VERTICAL * wide


def _upright(wide: int, high: int) -> NDArray[np.float32]:
    return np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
