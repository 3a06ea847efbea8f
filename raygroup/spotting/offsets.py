"""Shrink polygons to kernels, and undo it.

A word's kernel is its polygon with every side moved inwards by ``d = A (1 - r^2) / L`` (paper of
Mask TextSpotter v3), A the area and L the perimeter. The released code grows kernels by a fixed
``3 A / L`` of the kernel. Here the offset that was used is solved for.
"""

from collections.abc import Sequence

import numpy as np
import pyclipper
import shapely
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon
from raygroup.spotting.outlines import Floats, Measures

SHRINK_RATIO = 0.4
"""r: a kernel of a square has about this share of its side."""
_MITRE_LIMIT = 2.0


def shrinking_offset(area: float, perimeter: float, ratio: float = SHRINK_RATIO) -> float:
    """Return how far the sides of a polygon move inwards."""
    return area * (1 - ratio**2) / perimeter if perimeter else 0.0


def unclipping_offsets(kernels: Measures, ratio: float = SHRINK_RATIO) -> Floats:
    """Return how far kernels were shrunk, (n,).

    Moved outwards by d, a kernel has the area ``A + d L + d^2 T`` and the perimeter ``L + 2 d T``, T
    its turns. That polygon is shrunk by d if ``T (1 + r^2) d^2 + L r^2 d - A (1 - r^2) = 0``. For
    a rectangle T is 4, and the solution is exact.
    """
    # no polygon turns less than a circle: the bound keeps ragged outlines from growing without end
    square = np.maximum(kernels.turns, np.pi) * (1 + ratio**2)
    linear, constant = kernels.perimeters * ratio**2, kernels.areas * (1 - ratio**2)
    root = np.sqrt(linear**2 + 4 * square * constant)
    return np.asarray(2 * constant / np.maximum(linear + root, 1e-12), np.float64)


def rectangle_measures(sides: Floats) -> Measures:
    """Return the measures of rectangles with these sides, (n, 2)."""
    return Measures(sides[:, 0] * sides[:, 1], 2 * sides.sum(axis=1), np.full(len(sides), 4.0))


def shrink_polygon(polygon: Polygon, ratio: float = SHRINK_RATIO, *, steps: int = 16) -> Polygon | None:
    """Return a word's kernel, or None if nothing is left of it.

    Corners lie on a grid of ``steps`` a pixel. The released code has 1, and cuts off what lies
    behind the point before it shrinks. If a polygon falls apart, the first piece is returned.
    """
    shape = shapely.Polygon(polygon)
    pieces = offset_polygon(polygon, -shrinking_offset(shape.area, shape.length, ratio), steps=steps)
    return pieces[0] if pieces else None


def offset_polygon(polygon: Polygon, offset: float, *, steps: int = 1) -> list[Polygon]:
    """Move the sides of a polygon outwards, or inwards if negative, with round corners.

    The pieces are on a grid of ``steps`` a pixel, as Clipper finds them.
    """
    clipper = pyclipper.PyclipperOffset(2.0, 0.25)
    clipper.AddPath((polygon * steps).tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return [np.asarray(piece, np.float64) / steps for piece in clipper.Execute(offset * steps)]


def grow_polygons(polygons: Sequence[Polygon], offsets: Floats) -> list[Polygon]:
    """Move the sides of polygons outwards, each by its own offset, with sharp corners.

    Holes that close or open are left out. A polygon that cannot be moved comes back without points.
    """
    shapes = np.fromiter((shapely.Polygon(polygon) for polygon in polygons), object, len(polygons))
    grown = shapely.buffer(shapes, offsets, join_style="mitre", mitre_limit=_MITRE_LIMIT)
    return [_outer_ring(shape) for shape in grown]


def _outer_ring(shape: shapely.Geometry) -> NDArray[np.float64]:
    """Return the corners of the largest part, each once."""
    parts = shapely.get_parts(shape)
    if not len(parts):
        return np.zeros((0, 2))
    largest = parts[0] if len(parts) == 1 else max(parts, key=shapely.area)
    return np.asarray(shapely.get_coordinates(shapely.get_exterior_ring(largest))[:-1], np.float64)
