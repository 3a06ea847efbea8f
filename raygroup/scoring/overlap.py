"""Compute overlaps of polygons in one image.

Numpy computes convex quadrilaterals, shapely all others. Every decision is the one that shapely
would make. Near one half, where rounding decides, shapely computes the areas.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import shapely

from raygroup.scoring.quadrilaterals import convex_shared_areas, signed_areas, turns
from raygroup.scoring.word_columns import Flags, Indices, Polygons, Reals, WordColumns

HALF = 0.5
_NEAR = 1e-6
"""Shapely computes shares that are this close to one half."""
_EXACT_BELOW = 2.0**20
"""Limit of coordinates whose products are exact in numpy. Shapely computes polygons beyond it."""
_PAIRS_AT_A_TIME = 1 << 20


@dataclass(frozen=True, eq=False)
class MeasuredPolygons:
    """Polygons with their boxes, areas and kinds."""

    polygons: Polygons
    boxes: Reals
    areas: Reals
    simple: Flags
    """Strictly convex quadrilaterals with moderate coordinates, which numpy can intersect."""
    valid: Flags
    """Polygons that shapely finds valid: they do not cross themselves."""


@dataclass(frozen=True, eq=False)
class Overlaps:
    """Pairs of polygons that may overlap by more than half.

    Both lie in one image. Pairs are ordered by truth, then by detection.
    """

    truth: Indices
    detection: Indices
    shared: Reals
    """Area of the intersection.

    nan if shapely cannot compute it because a polygon crosses itself.
    """
    iou: Reals
    """shared / (area + area - shared). nan if shared is nan, 0 if the union has no area."""
    covered: Reals
    """shared / area of the detection. nan if shared is nan, 0 if the detection has no area."""


def measure_polygons(polygons: Polygons) -> MeasuredPolygons:
    """Return the polygons with their boxes, areas and kinds."""
    count = len(polygons)
    rows, boxes = np.arange(count), polygons.boxes()
    simple, valid = np.zeros(count, np.bool_), np.ones(count, np.bool_)
    areas = np.zeros(count)
    small = (np.abs(boxes) < _EXACT_BELOW).all(axis=1) & (polygons.lengths == 4)
    if small.any():
        quads = polygons.quads(rows[small])
        bends = turns(quads)
        simple[small] = (bends > 0).all(axis=1) | (bends < 0).all(axis=1)
        areas[small] = np.abs(signed_areas(quads))
    if not simple.all():
        shapes = polygons.shapes(rows[~simple])
        areas[~simple], valid[~simple] = shapely.area(shapes), shapely.is_valid(shapes)
    return MeasuredPolygons(polygons, boxes, areas, simple, valid)


def find_overlaps(truths: WordColumns, detections: WordColumns, true: MeasuredPolygons, detected: MeasuredPolygons) -> Overlaps:
    """Return all pairs that overlap by more than half.

    Half means half of their union or of the detection. Many other pairs are returned too. Pairs
    that shapely may refuse are always among them.
    """
    parts = [_promising(rows, columns, true, detected) for rows, columns in _same_image(truths, detections)]
    truth, detection = (np.concatenate([part[side] for part in parts] or [np.zeros(0, np.intp)]) for side in (0, 1))
    shared = shared_areas(true, detected, truth, detection)
    with np.errstate(divide="ignore", invalid="ignore"):
        union = true.areas[truth] + detected.areas[detection] - shared
        iou = np.where(union == 0, 0.0, shared / union)
        covered = np.where(detected.areas[detection] == 0, 0.0, shared / detected.areas[detection])
    return Overlaps(truth, detection, shared, np.where(np.isnan(shared), np.nan, iou), np.where(np.isnan(shared), np.nan, covered))


def shared_areas(true: MeasuredPolygons, detected: MeasuredPolygons, truth: Indices, detection: Indices) -> Reals:
    """Return the areas of the intersections of pairs. A pair that makes shapely raise has nan."""
    shared = np.zeros(len(truth))
    fast = true.simple[truth] & detected.simple[detection]
    if fast.any():
        shared[fast] = convex_shared_areas(true.polygons.quads(truth[fast]), detected.polygons.quads(detection[fast]))
        detected_areas = detected.areas[detection]
        union = detected_areas + true.areas[truth] - shared
        near = (np.abs(shared - HALF * union) <= _NEAR * union) | (np.abs(shared - HALF * detected_areas) <= _NEAR * detected_areas)
        fast &= ~near
    # Shapely intersects valid polygons in one call. A broken one could raise, so those go pair by pair.
    sound = ~fast & true.valid[truth] & detected.valid[detection]
    for some, in_one_call in ((sound, True), (~fast & ~sound, False)):
        if some.any():
            pair = true.polygons.shapes(truth[some]), detected.polygons.shapes(detection[some])
            areas = shapely.area(shapely.intersection(*pair)) if in_one_call else [_shared_area(*each) for each in zip(*pair, strict=True)]
            shared[some] = areas
    return shared


def _promising(rows: Indices, columns: Indices, true: MeasuredPolygons, detected: MeasuredPolygons) -> tuple[Indices, Indices]:
    """Return the pairs whose boxes share enough that the polygons may.

    Broken polygons stay if their boxes touch.
    """
    true_boxes, detected_boxes = true.boxes[rows], detected.boxes[columns]
    sizes = np.minimum(true_boxes[:, 2:], detected_boxes[:, 2:]) - np.maximum(true_boxes[:, :2], detected_boxes[:, :2])
    most = np.prod(np.maximum(sizes, 0), axis=1)
    areas = detected.areas[columns]
    union = true.areas[rows] + areas - np.minimum(most, np.minimum(true.areas[rows], areas))
    enough = (most > 0) & ((most >= (HALF - _NEAR) * union) | (most >= (HALF - _NEAR) * areas))
    broken = ~(true.valid[rows] & detected.valid[columns]) & (sizes >= 0).all(axis=1)
    wanted = enough | broken
    return rows[wanted], columns[wanted]


def _same_image(truths: WordColumns, detections: WordColumns) -> Iterator[tuple[Indices, Indices]]:
    """Yield all pairs of the same image, in blocks of bounded memory.

    Pairs are ordered by truth, then by detection.
    """
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


def _shared_area(one: object, other: object) -> float:
    try:
        return float(shapely.area(shapely.intersection(one, other)))
    except shapely.errors.GEOSException:
        return float("nan")
