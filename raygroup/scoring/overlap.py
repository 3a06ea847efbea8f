"""Which polygons of one image overlap, and by how much: numpy for convex quadrilaterals, shapely for the rest and wherever it is close.

Every decision is the one shapely would make: near one half, where rounding decides, shapely itself is asked.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from raygroup.scoring.word_columns import Annotated, Flags, Indices, Polygons, Reals

HALF = 0.5
_NEAR = 1e-6
"""Shares this close to one half are computed by shapely."""
_EXACT_BELOW = 2.0**20
"""Coordinates whose products are exact in numpy; polygons beyond are left to shapely."""
_PAIRS_AT_A_TIME = 1 << 20


@dataclass(frozen=True, eq=False)
class Measured:
    """Polygons with what is asked of them often."""

    polygons: Polygons
    boxes: Reals
    areas: Reals
    simple: Flags
    """Strictly convex quadrilaterals of moderate coordinates, which numpy can intersect."""
    valid: Flags


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of polygons of the same image that may overlap by more than half of something, in order of truth, then detection."""

    truth: Indices
    detection: Indices
    shared: Reals
    """Area of the intersection; nan where shapely refuses to compute it because a polygon crosses itself."""
    iou: Reals
    """shared / (area + area - shared); nan where shared is, 0 where there is no area."""
    covered: Reals
    """Shared area / area of the detection."""


def measured(of: Polygons) -> Measured:
    corners, rows = of.lengths, np.arange(len(of))
    simple, areas, valid = np.zeros(len(of), np.bool_), np.zeros(len(of)), np.ones(len(of), np.bool_)
    boxes = of.boxes()
    small = (np.abs(boxes) < _EXACT_BELOW).all(axis=1) & (corners == 4)
    if small.any():
        quads = of.quads(rows[small])
        bends = turns(quads)
        simple[small] = (bends > 0).all(axis=1) | (bends < 0).all(axis=1)
        areas[small] = np.abs(signed_areas(quads))
    if not simple.all():
        shapes = of.shapes(rows[~simple])
        areas[~simple], valid[~simple] = shapely.area(shapes), shapely.is_valid(shapes)
    return Measured(of, boxes, areas, simple, valid)


def overlaps(truths: Annotated, detections: Annotated, true: Measured, found: Measured) -> Overlaps:
    """Pairs that share more than half of their union or of the detection, or whose polygons shapely may refuse, and no few others."""
    parts = [_promising(rows, columns, true, found) for rows, columns in _same_image(truths, detections)]
    truth, detection = (np.concatenate([part[side] for part in parts] or [np.zeros(0, np.intp)]) for side in (0, 1))
    shared = shared_areas(true, found, truth, detection)
    with np.errstate(divide="ignore", invalid="ignore"):
        union = true.areas[truth] + found.areas[detection] - shared
        iou = np.where(union == 0, 0.0, shared / union)
        covered = np.where(found.areas[detection] == 0, 0.0, shared / found.areas[detection])
    return Overlaps(truth, detection, shared, np.where(np.isnan(shared), np.nan, iou), np.where(np.isnan(shared), np.nan, covered))


def shared_areas(true: Measured, found: Measured, truth: Indices, detection: Indices) -> Reals:
    """Areas of the intersections of pairs, nan where shapely raises."""
    shared = np.zeros(len(truth))
    fast = true.simple[truth] & found.simple[detection]
    if fast.any():
        shared[fast] = convex_shared_areas(true.polygons.quads(truth[fast]), found.polygons.quads(detection[fast]))
        theirs, ours = found.areas[detection], true.areas[truth]
        union = theirs + ours - shared
        near = (np.abs(shared - HALF * union) <= _NEAR * union) | (np.abs(shared - HALF * theirs) <= _NEAR * theirs)
        fast &= ~near
    sound = ~fast & true.valid[truth] & found.valid[detection]
    for some, in_one_go in ((sound, True), (~fast & ~sound, False)):
        if some.any():
            pair = true.polygons.shapes(truth[some]), found.polygons.shapes(detection[some])
            shared[some] = shapely.area(shapely.intersection(*pair)) if in_one_go else [_shared(*each) for each in zip(*pair, strict=True)]
    return shared


def convex_shared_areas(one: Reals, other: Reals) -> Reals:
    """Areas (n,) of the intersections of strictly convex quadrilaterals (n, 4, 2), exact up to rounding.

    The boundary of the intersection is the part of each outline inside the other polygon; the integral of x dy - y dx along these parts
    is twice the area. A side that both outlines share in the same direction counts once, for the first.
    """
    origin = one[:, :1]
    one, other = _positive(one - origin), _positive(other - origin)
    return HALF * (_along(one, other, takes_shared_sides=True) + _along(other, one, takes_shared_sides=False))


def _along(outline: Reals, inside: Reals, takes_shared_sides: bool) -> Reals:
    """The integral along the parts of each outline (n, 4, 2) in the convex polygons ``inside`` (n, 4, 2)."""
    step = np.roll(outline, -1, axis=1) - outline
    side = np.roll(inside, -1, axis=1) - inside
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


def _promising(rows: Indices, columns: Indices, true: Measured, found: Measured) -> tuple[Indices, Indices]:
    """Those pairs whose boxes share enough that the polygons may; of broken polygons those whose boxes touch."""
    ours, theirs = true.boxes[rows], found.boxes[columns]
    sizes = np.minimum(ours[:, 2:], theirs[:, 2:]) - np.maximum(ours[:, :2], theirs[:, :2])
    most = np.prod(np.maximum(sizes, 0), axis=1)
    areas = found.areas[columns]
    union = true.areas[rows] + areas - np.minimum(most, np.minimum(true.areas[rows], areas))
    enough = (most > 0) & ((most >= (HALF - _NEAR) * union) | (most >= (HALF - _NEAR) * areas))
    broken = ~(true.valid[rows] & found.valid[columns]) & (sizes >= 0).all(axis=1)
    wanted = enough | broken
    return rows[wanted], columns[wanted]


def _same_image(truths: Annotated, detections: Annotated) -> Iterator[tuple[Indices, Indices]]:
    """All pairs of one image, in order of truth, then detection, so many at a time that memory stays bounded."""
    begin = np.searchsorted(detections.image, truths.image, side="left")
    count = np.searchsorted(detections.image, truths.image, side="right") - begin
    total = np.cumsum(count)
    start = 0
    while start < len(truths):
        before = total[start - 1] if start else 0
        stop = max(start + 1, int(np.searchsorted(total, before + _PAIRS_AT_A_TIME, side="right")))
        numbers = count[start:stop]
        rows = np.repeat(np.arange(start, stop), numbers)
        columns = np.arange(numbers.sum()) + np.repeat(begin[start:stop] - np.cumsum(numbers) + numbers, numbers)
        yield rows, columns
        start = stop


def _shared(one: object, other: object) -> float:
    try:
        return float(shapely.area(shapely.intersection(one, other)))
    except shapely.errors.GEOSException:
        return float("nan")


def _positive(quads: Reals) -> Reals:
    """The same polygons, all in the order in which their signed area is positive."""
    return np.where((signed_areas(quads) < 0)[:, None, None], quads[:, ::-1], quads)


def turns(quads: Reals) -> Reals:
    """(n, 4) cross products of following sides of quadrilaterals (n, 4, 2): all of one sign where it is strictly convex."""
    side = np.roll(quads, -1, axis=1) - quads
    return _cross(side, np.roll(side, -1, axis=1))


def signed_areas(quads: Reals) -> Reals:
    """(n,) of quadrilaterals (n, 4, 2): positive where they run clockwise on the image, whose y grows downwards."""
    quads = quads - quads[:, :1]
    areas: Reals = HALF * _cross(quads, np.roll(quads, -1, axis=1)).sum(axis=1)
    return areas


def _cross(one: Reals, other: Reals) -> Reals:
    product: Reals = one[..., 0] * other[..., 1] - one[..., 1] * other[..., 0]
    return product
