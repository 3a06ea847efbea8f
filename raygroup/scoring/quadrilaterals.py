"""Geometry of quadrilaterals in numpy: turns, signed areas, and shared areas of convex ones."""

import numpy as np

from raygroup.scoring.word_columns import Reals


def convex_shared_areas(one: Reals, other: Reals) -> Reals:
    """Return the shared areas (n,) of strictly convex quadrilaterals (n, 4, 2).

    They are exact up to rounding. The boundary of the intersection consists of the parts of each
    outline inside the other polygon. The integral of x dy - y dx along these parts is twice the
    area. A side that both outlines share in the same direction counts once, for the first.
    """
    origin = one[:, :1]
    one, other = _positive(one - origin), _positive(other - origin)
    return 0.5 * (_integral_inside(one, other, takes_shared_sides=True) + _integral_inside(other, one, takes_shared_sides=False))


def _integral_inside(outline: Reals, inside: Reals, takes_shared_sides: bool) -> Reals:
    """Integrate along the parts of each outline that lie inside.

    ``outline`` and the convex polygons ``inside`` are (n, 4, 2).
    """
    step = np.roll(outline, -1, axis=1) - outline
    side = np.roll(inside, -1, axis=1) - inside
    # Each side of the outline is a stretch from 0 to 1. Each edge of the convex polygon cuts off a part of it.
    first, last = np.zeros(step.shape[:2]), np.ones(step.shape[:2])
    for edge in range(4):
        along, corner = side[:, edge, None], inside[:, edge, None]
        height, rise = _cross(along, outline - corner), _cross(along, step)
        same_way = (along * step).sum(axis=2) > 0
        with np.errstate(divide="ignore", invalid="ignore"):
            crossing = -height / rise
        first = np.where(rise > 0, np.maximum(first, crossing), first)
        last = np.where(rise < 0, np.minimum(last, crossing), last)
        outside = (rise == 0) & ((height < 0) | ((height == 0) & ~(same_way & takes_shared_sides)))
        last = np.where(outside, -1.0, last)
    integral: Reals = (_cross(outline, step) * np.maximum(last - first, 0)).sum(axis=1)
    return integral


def _positive(quads: Reals) -> Reals:
    """Return the polygons with a positive signed area. Corners are reversed if necessary."""
    return np.where((signed_areas(quads) < 0)[:, None, None], quads[:, ::-1], quads)


def turns(quads: Reals) -> Reals:
    """Return the cross products of neighbouring sides, (n, 4).

    The quadrilaterals are (n, 4, 2). All four have one sign if the quadrilateral is strictly
    convex.
    """
    side = np.roll(quads, -1, axis=1) - quads
    return _cross(side, np.roll(side, -1, axis=1))


def signed_areas(quads: Reals) -> Reals:
    """Return the areas (n,) of quadrilaterals (n, 4, 2).

    They are positive if the corners run clockwise on the image, where y grows downwards.
    """
    quads = quads - quads[:, :1]
    areas: Reals = 0.5 * _cross(quads, np.roll(quads, -1, axis=1)).sum(axis=1)
    return areas


def _cross(one: Reals, other: Reals) -> Reals:
    product: Reals = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return product
