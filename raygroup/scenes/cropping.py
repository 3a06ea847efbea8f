"""Cut words out of scenes.

Quadrilaterals are straightened by a perspective transform. Other polygons are cut out as
rectangles, upright and masked.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from raygroup.images.pixels import Pixels
from raygroup.scenes.scene import Polygon

VERTICAL_RATIO = 1.5
"""Ratio of height to width above which a crop is turned a quarter to the left.

Line recognisers expect vertical text to be turned so.
"""
_MIN_SIDE = 2.0
"""Pixels: a shorter side shows nothing."""
_MAX_WIDTH = 4096
_EDGE_DEVIATION, _END_DEVIATION, _CORNER_DEVIATION = 0.1, 0.17, 0.03
"""Standard deviations by which the long sides, the ends and the corners of a found word lie beside the true ones."""


def crop(pixels: Pixels, polygon: Polygon | None, height: int = 64, *, turn_vertical: bool = True, margin: float = 0.0) -> Pixels | None:
    """Cut out the word inside a polygon, upright.

    The crop is at most ``height`` pixels high: larger words are scaled down, smaller ones keep
    their size. Returns None if the word is too small or outside the image. ``polygon`` None stands
    for the whole image. ``margin`` adds air on all sides, as a share of the word's short side.

    For a polygon with more than four corners, the smallest rectangle around it is cut out. The area
    outside the polygon then gets the median colour of the area inside.
    """
    if polygon is None:
        return _scale_down(pixels, height)
    corners = reading_quad(polygon)
    if margin:
        corners = add_margin(corners[None], margin)[0]
    if not _overlaps(corners, pixels):
        return None
    if turn_vertical:
        corners = turned_upright(corners)
    wide, high = quad_size(corners)
    if min(wide, high) < _MIN_SIDE:
        return None
    scale = min(1.0, height / high, _MAX_WIDTH / wide)
    size = (max(round(wide * scale), 1), max(round(high * scale), 1))
    # a word that shrinks a lot is warped at up to twice its size and resized after: the warp alone would skip pixels
    warped_size = size if scale > 0.6 else (min(round(wide), 2 * size[0]), min(round(high), 2 * size[1]))
    matrix = cv2.getPerspectiveTransform(corners.astype(np.float32), _rectangle(*warped_size))
    word = np.asarray(cv2.warpPerspective(pixels, matrix, warped_size, flags=cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE), np.uint8)
    if len(polygon) != 4:
        word = _mask(word, cv2.perspectiveTransform(polygon[None].astype(np.float32), matrix)[0])
    return np.asarray(word if warped_size == size else cv2.resize(word, size, interpolation=cv2.INTER_AREA), np.uint8)


def reading_quad(polygon: Polygon) -> Polygon:
    """Return the four corners of a word in reading order, (4, 2).

    The order is: top of the beginning, top of the end, bottom of the end, bottom of the beginning.
    Quadrilaterals are returned as labelled. For other polygons, the corners are those of the
    smallest rectangle around the polygon. Labels list one long side of the word and then the other,
    so the rectangle starts at the corner that fits the ends of these two sides best.
    """
    if len(polygon) == 4:
        return polygon
    box = np.asarray(cv2.boxPoints(cv2.minAreaRect(polygon.astype(np.float32))), np.float64)
    middle = len(polygon) // 2
    ends = polygon[[0, max(middle - 1, 0), middle, len(polygon) - 1]]
    orders = [np.roll(direction, turn, axis=0) for direction in (box, box[::-1]) for turn in range(4)]
    return min(orders, key=lambda order: float(((order - ends) ** 2).sum()))


def add_margin(quads: NDArray[np.float64], margin: float) -> NDArray[np.float64]:
    """Grow quadrilaterals (n, 4, 2) in reading order on all sides by a share of their short sides."""
    along, down = quads[:, [1, 1, 2, 2]] - quads[:, [0, 0, 3, 3]], quads[:, [3, 2, 2, 3]] - quads[:, [0, 1, 1, 0]]
    wide, high = (np.hypot(sides[..., 0], sides[..., 1]) for sides in (along, down))
    air = margin * np.minimum(wide.mean(axis=1), high.mean(axis=1))[:, None, None]
    right, below = (air * sides / np.maximum(lengths, 1e-9)[..., None] for sides, lengths in ((along, wide), (down, high)))
    signs = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]], np.float64)
    return np.asarray(quads + signs[:, :1] * right + signs[:, 1:] * below, np.float64)


def move_corners(quad: Polygon, margin: float, random: np.random.Generator) -> Polygon:
    """Return a quadrilateral (4, 2) in reading order as a detector might find it, with a margin of air.

    Each side moves outwards by the margin, give or take, and each corner moves a little by itself. All
    lengths are shares of the word's short side. The deviations are those of a compact detector on
    scenes that it was not trained on.
    """
    along, across = quad[1] - quad[0] + quad[2] - quad[3], quad[3] - quad[0] + quad[2] - quad[1]
    right, below = (side / max(float(np.hypot(*side)), 1e-9) for side in (along, across))
    begin, end = random.normal(margin, _END_DEVIATION, 2)
    top, bottom = random.normal(margin, _EDGE_DEVIATION, 2)
    air = np.array([[-begin, -top], [end, -top], [end, bottom], [-begin, bottom]]) @ np.stack([right, below])
    return np.asarray(quad + min(quad_size(quad)) * (air + random.normal(0, _CORNER_DEVIATION, (4, 2))), np.float64)


def _mask(word: NDArray[np.uint8], polygon: NDArray[np.float32]) -> NDArray[np.uint8]:
    """Paint the outside in the median colour of the inside, in place."""
    mask = np.zeros(word.shape[:2], np.uint8)
    cv2.fillPoly(mask, [np.round(polygon).astype(np.int32)], 1)
    inside = word[mask > 0]
    if len(inside):
        word[mask == 0] = np.median(inside, axis=0).astype(np.uint8)
    return word


def _scale_down(pixels: Pixels, height: int) -> Pixels:
    high, wide = pixels.shape[:2]
    scale = min(1.0, height / high, _MAX_WIDTH / wide)
    if scale == 1:
        return pixels
    size = (max(round(wide * scale), 1), max(round(high * scale), 1))
    return np.asarray(cv2.resize(pixels, size, interpolation=cv2.INTER_AREA), np.uint8)


def _overlaps(corners: Polygon, pixels: Pixels) -> bool:
    high, wide = pixels.shape[:2]
    least, most = corners.min(axis=0), corners.max(axis=0)
    return bool(least[0] < wide and least[1] < high and most[0] > 0 and most[1] > 0)


def turned_upright(corners: Polygon) -> Polygon:
    """Return the corners of a word in reading order. A vertical word is turned a quarter to the left."""
    return np.roll(corners, -1, axis=0) if _is_vertical(corners) else corners


def quad_size(corners: Polygon) -> tuple[float, float]:
    """Return the width and height of a word.

    Each is the longer of two opposite sides.
    """
    lengths = np.hypot(*(np.roll(corners, -1, axis=0) - corners).T)
    return float(max(lengths[0], lengths[2])), float(max(lengths[1], lengths[3]))


def _is_vertical(corners: Polygon) -> bool:
    wide, high = quad_size(corners)
    return high > VERTICAL_RATIO * wide


def _rectangle(wide: int, high: int) -> NDArray[np.float32]:
    return np.array([[0, 0], [wide, 0], [wide, high], [0, high]], np.float32)
