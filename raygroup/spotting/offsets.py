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
from raygroup.spotting.outlines import Floats, Measures, Outlines

SHRINK_RATIO = 0.4
"""r: a kernel of a square has about this share of its side."""
_MITRE_LIMIT = 2.0


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


def shrink_polygons(polygons: Sequence[Polygon], ratio: float = SHRINK_RATIO, *, inset: float = 0.0) -> list[Polygon]:
    """Return the kernel of each word, without points if nothing is left.

    ``inset`` pixels are taken off the kernel's sides as well.
    """
    measures = Outlines.of(polygons).measure()
    offsets = measures.areas * (1 - ratio**2) / np.maximum(measures.perimeters, 1e-12)
    return offset_polygons(polygons, -(offsets + inset))


def offset_polygons(polygons: Sequence[Polygon], offsets: Floats) -> list[Polygon]:
    """Move the sides of polygons outwards, or inwards if negative, with sharp corners.

    Each polygon has its own offset. Of a polygon that falls apart the largest piece is returned, and
    of one that vanishes no points. Holes are left out.

    All are moved at once, corner by corner. Shapely does the few whose sides meet, which takes ten
    times as long.
    """
    outlines = Outlines.of(polygons)
    moved, is_sound = outlines.move(offsets)
    results = moved.split()
    is_sound &= outlines.counts >= 3
    is_sound[is_sound] = shapely.is_valid(_shapes([results[place] for place in np.flatnonzero(is_sound)]))
    for place in np.flatnonzero(~is_sound).tolist():
        shape = shapely.Polygon(polygons[place]) if len(polygons[place]) >= 3 else shapely.Polygon()
        results[place] = _outer_ring(shape.buffer(offsets[place], join_style="mitre", mitre_limit=_MITRE_LIMIT))
    return results


def _shapes(polygons: Sequence[Polygon]) -> NDArray[np.object_]:
    """Return Shapely's polygons, made in one call."""
    outlines = Outlines.of(polygons)
    return np.asarray(shapely.polygons(shapely.linearrings(outlines.points, indices=outlines.owners)), np.object_)


def shrink_on_grid(polygon: Polygon, ratio: float = SHRINK_RATIO) -> Polygon | None:
    """Return a word's kernel as the released code makes it, or None if nothing is left."""
    shape = shapely.Polygon(polygon)
    pieces = offset_on_grid(polygon, -shape.area * (1 - ratio**2) / shape.length) if shape.length else []
    return pieces[0] if pieces else None


def grow_on_grid(polygon: Polygon, growth: float) -> list[Polygon]:
    """Move a polygon's sides outwards by ``growth`` times its area over its perimeter, as the released code does."""
    shape = shapely.Polygon(polygon)
    return offset_on_grid(polygon, shape.area * growth / shape.length) if shape.length else []


def offset_on_grid(polygon: Polygon, offset: float) -> list[Polygon]:
    """Move the sides of a polygon with round corners, on whole pixels, and return its pieces.

    Coordinates lose their fractions first: this is how the released code calls Clipper.
    """
    clipper = pyclipper.PyclipperOffset()
    clipper.AddPath(np.trunc(polygon).astype(np.int64).tolist(), pyclipper.JT_ROUND, pyclipper.ET_CLOSEDPOLYGON)
    return [np.asarray(piece, np.float64) for piece in clipper.Execute(offset)]


def _outer_ring(shape: shapely.Geometry) -> NDArray[np.float64]:
    """Return the corners of the largest part, each once."""
    parts = [part for part in shapely.get_parts(shape) if not part.is_empty]
    if not parts:
        return np.zeros((0, 2))
    largest = parts[0] if len(parts) == 1 else max(parts, key=shapely.area)
    return np.asarray(shapely.get_coordinates(shapely.get_exterior_ring(largest))[:-1], np.float64)
