"""Check the polygons of labels, and repair or reject broken ones.

Shapely checks many polygons at once. A polygon is repaired only if its meaning is clear. Every
repair and every rejection has a text.
"""

from collections.abc import Sequence
from itertools import groupby

import numpy as np
import shapely
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon

MIN_PIECE_SHARE = 0.5
"""Share of the area that the largest piece of a self-crossing polygon needs to replace it.

It is the share of the area of all pieces.
"""
MAX_CORNERS = 256
"""Corners of one polygon; labels have about 20."""
MAX_REPAIRED_CORNERS = 32
"""Corners of a self-crossing polygon.

The time for a repair grows faster than the square: about 10 ms for 32 corners.
"""
_MAX_COORDINATE = 1e7
"""Pixels: no image is this wide, and our arithmetic is safe below it."""

CheckedPolygon = tuple[Polygon | None, str]
"""A polygon, or None if it was rejected, and a text.

The text describes the repair or the reason for the rejection. It is empty if the polygon is unchanged.
"""


def check_polygons(flats: Sequence[Sequence[float]]) -> list[CheckedPolygon]:
    """Check each polygon, and repair it if possible.

    A polygon is given as x, y, x, y, ...
    """
    results: list[CheckedPolygon] = [(None, "")] * len(flats)
    # polygons of equal length form one array, so that Shapely checks them in one call
    for size, numbers in groupby(sorted(range(len(flats)), key=lambda number: len(flats[number])), lambda number: len(flats[number])):
        same_size = list(numbers)
        if size % 2 or not 6 <= size <= 2 * MAX_CORNERS:
            for number in same_size:
                results[number] = None, f"{size / 2:g} corners, must be 3 to {MAX_CORNERS}"
            continue
        corners = np.array([flats[number] for number in same_size]).reshape(-1, size // 2, 2)
        valid = _are_valid(corners)
        for number, polygon, is_valid in zip(same_size, corners, valid.tolist(), strict=True):
            results[number] = (polygon, "") if is_valid else _repair(polygon)
    return results


def _are_valid(corners: Polygon) -> NDArray[np.bool_]:
    """Return which polygons, (k, n, 2), are valid and have an area."""
    in_range: NDArray[np.bool_] = np.asarray((np.abs(corners) < _MAX_COORDINATE).all(axis=(1, 2)), np.bool_)
    shapes = shapely.polygons(np.where(in_range.reshape(-1, 1, 1), corners, 0.0))
    return np.asarray(in_range & shapely.is_valid(shapes) & (shapely.area(shapes) > 0), np.bool_)


def _repair(polygon: Polygon) -> CheckedPolygon:
    if not (np.abs(polygon) < _MAX_COORDINATE).all():
        wrong = polygon.flat[int(np.argmax(~(np.abs(polygon) < _MAX_COORDINATE)))]
        return None, f"a coordinate is {wrong}, must be below {_MAX_COORDINATE:,.0f} pixels"
    corners = np.unique(polygon, axis=0)
    if len(corners) < 3:
        return None, f"{len(corners)} different corner{'s' * (len(corners) > 1)}, a polygon has at least 3"
    hull = shapely.convex_hull(shapely.multipoints(polygon))
    if hull.area == 0:
        return None, "its corners lie on one line: no area"
    # four corners in the wrong order: their hull has the right order (and repeats its first corner)
    if len(polygon) == 4 and len(hull.exterior.coords) == 5:
        return _ring(hull, polygon[0]), "its corners cross: taken in the order of their convex hull"
    if len(polygon) > MAX_REPAIRED_CORNERS:
        return None, f"it crosses itself and has {len(polygon)} corners: only polygons of at most {MAX_REPAIRED_CORNERS} are repaired"
    pieces = _polygons_of(shapely.make_valid(shapely.Polygon(polygon)))
    largest = max(pieces, key=shapely.area, default=None)
    if largest is None or largest.area < MIN_PIECE_SHARE * sum(piece.area for piece in pieces):
        return None, "it crosses itself, and none of its pieces has half of its area"
    return _ring(largest, polygon[0]), f"it crosses itself: its largest piece is taken ({largest.area / hull.area:.0%} of its hull)"


def _polygons_of(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Return the polygons in a shape, even in nested collections."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return [part for part in parts if part.geom_type == "Polygon" and part.area > 0]


def _ring(shape: shapely.Geometry, first: Polygon) -> Polygon:
    """Return the corners clockwise, beginning nearest to ``first``.

    Clockwise is as seen on a screen, with y pointing down.
    """
    corners = np.asarray(shapely.get_coordinates(shapely.orient_polygons(shape.simplify(0), exterior_cw=False).exterior)[:-1])
    start = int(np.argmin(((corners - first) ** 2).sum(axis=1)))
    return np.roll(corners, -start, axis=0)
