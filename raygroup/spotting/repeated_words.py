"""Drop words that repeat others, as the released evaluation does before it scores."""

from collections.abc import Sequence

import numpy as np
import shapely
from numpy.typing import NDArray

from raygroup.scenes.scene import Polygon

MOST_OVERLAP = 0.2
"""Of the area of the convex hull around both words, not of their union."""


def distinct_words(polygons: Sequence[Polygon], scores: NDArray[np.float64], most_overlap: float = MOST_OVERLAP) -> NDArray[np.intp]:
    """Return the words that no better word overlaps, in their order.

    ``scores`` are those of the readings. Of two words with equal scores the larger is better, and of
    two equally large ones the later.
    """
    if not len(polygons):
        return np.zeros(0, np.intp)
    shapes = shapely.make_valid([shapely.Polygon(polygon) for polygon in polygons])
    ranks = np.lexsort((np.arange(len(shapes)), shapely.area(shapes), scores))[::-1]
    ranked = shapes[ranks]
    is_kept = np.ones(len(ranked), bool)
    for better, worse in _overlapping_pairs(ranked, most_overlap):
        is_kept[worse] &= not is_kept[better]
    return np.sort(ranks[is_kept])


def _overlapping_pairs(shapes: NDArray[np.object_], most_overlap: float) -> list[list[int]]:
    """Return pairs that overlap too much, the earlier first, in the order of both."""
    first, second = shapely.STRtree(shapes).query(shapes, predicate="intersects")
    one, other = first[first < second], second[first < second]
    shared = shapely.area(shapely.intersection(shapes[one], shapes[other]))
    hulls = shapely.area(shapely.convex_hull(shapely.union(shapes[one], shapes[other])))
    pairs = np.stack([one, other], axis=1)[shared > most_overlap * hulls]
    return pairs[np.lexsort(pairs.T[::-1])].tolist()  # type: ignore[no-any-return]
