"""Polygons of labels, checked many at once by Shapely: repaired where it is clear what was meant, else rejected, and always told."""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import shapely
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon

KEPT_SHARE = 0.5
"""Least share of the area of all pieces that the largest one must hold for a self-crossing polygon to be repaired by it."""
MAX_CORNERS = 256
"""Of one polygon; labels have some 20."""
MAX_REPAIRED_CORNERS = 32
"""Of one that crosses itself: a repair costs more than their square, some 10 ms for so many."""
_LARGEST = 1e7
"""Pixels: no image is so wide, and no arithmetic of ours goes wrong below it."""

Checked = tuple[Polygon | None, str]
"""A polygon and what was done to it: itself and nothing, a repaired one and how, or None and why it was rejected."""


def checked(flats: Sequence[Sequence[float]]) -> list[Checked]:
    """Each polygon, given as x, y, x, y, ..., as a label may be used."""
    found: list[Checked] = [(None, "")] * len(flats)
    for size, numbers in groupby(sorted(range(len(flats)), key=lambda number: len(flats[number])), lambda number: len(flats[number])):
        alike = list(numbers)
        if size % 2 or not 6 <= size <= 2 * MAX_CORNERS:
            for number in alike:
                found[number] = None, f"{size / 2:g} corners, must be 3 to {MAX_CORNERS}"
            continue
        corners = np.array([flats[number] for number in alike]).reshape(-1, size // 2, 2)
        fine = _is_fine(corners)
        for number, polygon, is_fine in zip(alike, corners, fine.tolist(), strict=True):
            found[number] = (polygon, "") if is_fine else _mended(polygon)
    return found


def _is_fine(corners: Polygon) -> NDArray[np.bool_]:
    """Which of (k, n, 2) Shapely calls valid and are of some area."""
    sane: NDArray[np.bool_] = np.asarray((np.abs(corners) < _LARGEST).all(axis=(1, 2)), np.bool_)
    shapes = shapely.polygons(np.where(sane.reshape(-1, 1, 1), corners, 0.0))
    return np.asarray(sane & shapely.is_valid(shapes) & (shapely.area(shapes) > 0), np.bool_)


def _mended(polygon: Polygon) -> Checked:
    if not (np.abs(polygon) < _LARGEST).all():
        return None, f"a coordinate is {polygon.flat[int(np.argmax(~(np.abs(polygon) < _LARGEST)))]}, must be below {_LARGEST:,.0f} pixels"
    corners = np.unique(polygon, axis=0)
    if len(corners) < 3:
        return None, f"{len(corners)} different corner{'s' * (len(corners) > 1)}, a polygon has at least 3"
    hull = shapely.convex_hull(shapely.multipoints(polygon))
    if hull.area == 0:
        return None, "its corners lie on one line: no area"
    if len(polygon) == 4 and len(hull.exterior.coords) == 5:
        return _ring(hull, polygon[0]), "its corners cross: taken in the order of their convex hull"
    if len(polygon) > MAX_REPAIRED_CORNERS:
        return None, f"it crosses itself and has {len(polygon)} corners: repaired are polygons of at most {MAX_REPAIRED_CORNERS}"
    pieces = _polygons_of(shapely.make_valid(shapely.Polygon(polygon)))
    largest = max(pieces, key=shapely.area, default=None)
    if largest is None or largest.area < KEPT_SHARE * sum(piece.area for piece in pieces):
        return None, "it crosses itself, and no piece of it holds half of its area"
    return _ring(largest, polygon[0]), f"it crosses itself: its largest piece is taken ({largest.area / hull.area:.0%} of its hull)"


def _polygons_of(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Its polygons, however deep collections are nested."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return [part for part in parts if part.geom_type == "Polygon" and part.area > 0]


def _ring(shape: shapely.Geometry, first: Polygon) -> Polygon:
    """The corners clockwise as seen, y being down, from the one nearest to ``first``."""
    corners = np.asarray(shapely.get_coordinates(shapely.orient_polygons(shape.simplify(0), exterior_cw=False).exterior)[:-1])
    start = int(np.argmin(((corners - first) ** 2).sum(axis=1)))
    return np.roll(corners, -start, axis=0)
