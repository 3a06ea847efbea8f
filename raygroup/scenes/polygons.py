"""Polygons of labels, checked many at once by Shapely: repaired where it is clear what was meant, else rejected, and always told."""

from collections.abc import Sequence

import numpy as np
import shapely

from raygroup.scenes.scene import Polygon

KEPT_SHARE = 0.5
"""Least share of the area of all pieces that the largest one must hold for a self-crossing polygon to be repaired by it."""
_LARGEST = 1e7
"""Pixels: no image is so wide, and no arithmetic of ours goes wrong below it."""


def checked(polygons: Sequence[Polygon]) -> list[tuple[Polygon | None, str]]:
    """Each polygon with what was done to it: itself and nothing, a repaired one and how, or None and why it was rejected."""
    found: list[tuple[Polygon | None, str]] = [(polygon, "") for polygon in polygons]
    for number in _doubtful(polygons):
        found[number] = _mended(polygons[number])
    return found


def _doubtful(polygons: Sequence[Polygon]) -> list[int]:
    """Those that Shapely would not call valid, or cannot be asked about."""
    sizes = np.array([len(polygon) for polygon in polygons], np.int64)
    doubtful: list[int] = [*np.flatnonzero(sizes < 3).tolist()]
    for size in np.unique(sizes[sizes >= 3]):
        alike = np.flatnonzero(sizes == size)
        corners = np.stack([polygons[number] for number in alike.tolist()])
        sane = (np.abs(corners) < _LARGEST).all(axis=(1, 2))
        shapes = shapely.polygons(np.where(sane[:, None, None], corners, 0.0))
        fine = sane & shapely.is_valid(shapes) & (shapely.area(shapes) > 0)
        doubtful += alike[~fine].tolist()
    return sorted(doubtful)


def _mended(polygon: Polygon) -> tuple[Polygon | None, str]:
    if not (np.abs(polygon) < _LARGEST).all():
        return None, f"a coordinate is {polygon.flat[int(np.argmax(~(np.abs(polygon) < _LARGEST)))]}, must be below {_LARGEST:,.0f} pixels"
    corners = np.unique(polygon, axis=0)
    if len(corners) < 3:
        return None, f"{len(corners)} different corners, a polygon has at least 3"
    hull = shapely.convex_hull(shapely.multipoints(polygon))
    if hull.area == 0:
        return None, "its corners lie on one line: no area"
    if len(polygon) == 4 and len(hull.exterior.coords) == 5:
        return _ring(hull, polygon[0]), "its corners cross: taken in the order of their convex hull"
    pieces = _polygons_of(shapely.make_valid(shapely.Polygon(polygon)))
    largest = max(pieces, key=shapely.area, default=None)
    if largest is None or largest.area < KEPT_SHARE * sum(piece.area for piece in pieces):
        return None, "it crosses itself, and no piece of it holds half of its area"
    return _ring(largest, polygon[0]), f"it crosses itself: its largest piece is taken ({largest.area / hull.area:.0%} of its hull)"


def _polygons_of(shape: shapely.Geometry) -> list[shapely.Geometry]:
    """Its polygons, however deep collections are nested."""
    parts = shapely.get_parts(shapely.get_parts(shape))
    return [part for part in parts if part.geom_type == "Polygon"]


def _ring(shape: shapely.Geometry, first: Polygon) -> Polygon:
    """The corners clockwise as seen, y being down, from the one nearest to ``first``."""
    corners = np.asarray(shapely.get_coordinates(shapely.orient_polygons(shape.simplify(0), exterior_cw=False).exterior)[:-1])
    start = int(np.argmin(((corners - first) ** 2).sum(axis=1)))
    return np.roll(corners, -start, axis=0)
