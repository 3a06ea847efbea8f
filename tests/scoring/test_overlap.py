"""Shared areas of polygons, and decisions at one half, equal those of shapely."""

import numpy as np
import pytest
import shapely
from hypothesis import given, settings
from hypothesis import strategies as st

from raygroup.scoring.matching import BrokenPolygonRule, match_words
from raygroup.scoring.overlap import measure_polygons
from raygroup.scoring.quadrilaterals import convex_shared_areas
from raygroup.scoring.word_columns import Polygons, Word, detection_columns, polygons, quadrilaterals, truth_columns

SQUARE = [(0, 0), (10, 0), (10, 10), (0, 10)]


def convex(seed, number):
    """Return strictly convex quadrilaterals on a small grid, where sides and corners often coincide."""
    corners = np.random.default_rng(seed).integers(0, 9, (number * 12, 8))
    quads = quadrilaterals(corners)
    return quads.quads(np.flatnonzero(measure_polygons(quads).simple)[:number])


@pytest.mark.parametrize("seed", range(4))
def test_shared_areas_of_convex_quadrilaterals_equal_shapelys(seed):
    one, other = np.split(convex(seed, 4000)[:3000], 2)
    expected = shapely.area(shapely.intersection(shapely.polygons(one), shapely.polygons(other)))
    assert (expected > 0).mean() > 0.3
    np.testing.assert_allclose(convex_shared_areas(one, other), expected, atol=1e-9)
    np.testing.assert_allclose(convex_shared_areas(one, other[:, ::-1]), expected, atol=1e-9)
    np.testing.assert_allclose(convex_shared_areas(one, one), shapely.area(shapely.polygons(one)), atol=1e-9)


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(*[st.tuples(st.integers(0, 8), st.integers(0, 8))] * 4), min_size=2, max_size=8), st.integers(0, 1 << 30))
def test_pairs_are_the_ones_that_shapely_alone_finds(quads, offset):
    """Polygons may be any four points anywhere in the plane, crossing and degenerate ones included."""
    moved = [[(x + offset, y + offset) for x, y in quad] for quad in quads]
    half = len(moved) // 2
    truth = truth_columns({"1": [Word(quad) for quad in moved[:half]]})
    matching = match_words(truth, detection_columns({"1": [Word(quad) for quad in moved[half:]]}, truth), BrokenPolygonRule.IGNORED)
    expected = [(i, j) for i, one in enumerate(moved[:half]) for j, other in enumerate(moved[half:]) if iou(one, other) > 0.5]
    assert list(zip(*(side.tolist() for side in matching.tried), strict=True)) == expected


def iou(one, other):
    one, other = shapely.Polygon(one), shapely.Polygon(other)
    try:
        shared = one.intersection(other).area
    except shapely.errors.GEOSException:
        return 0
    union = one.area + other.area - shared
    return shared / union if union else 0


def test_convex_means_strictly_and_in_either_direction():
    folded, triangle, crossed = [(0, 0), (9, 0), (2, 2), (0, 9)], [(0, 0), (5, 0), (10, 0), (0, 10)], [(0, 0), (9, 9), (9, 0), (0, 9)]
    measured = measure_polygons(polygons([SQUARE, SQUARE[::-1], folded, triangle, crossed]))
    assert measured.simple.tolist() == [True, True, False, False, False]
    assert measured.valid.tolist() == [True, True, True, True, False]
    assert measured.areas.tolist() == [100, 100, 18, 50, 0]


def test_polygons_of_any_number_of_points_lie_in_one_table():
    some = polygons([SQUARE, SQUARE[:3]])
    assert (len(some), some.lengths.tolist()) == (2, [4, 3])
    assert some.boxes().tolist() == [[0, 0, 10, 10], [0, 0, 10, 10]]
    assert shapely.area(some.shapes(np.array([1, 0, 1]))).tolist() == [50, 100, 50]
    assert len(Polygons(np.zeros((0, 2)), np.zeros(1, np.intp)).boxes()) == 0


def test_no_pair_is_lost_between_blocks(monkeypatch):
    monkeypatch.setattr("raygroup.scoring.overlap._PAIRS_AT_A_TIME", 7)
    words = {str(image): [Word([(x + 20 * n, y) for x, y in SQUARE]) for n in range(1 + image % 5)] for image in range(9)}
    truth = truth_columns(words)
    matching = match_words(truth, detection_columns(words, truth), BrokenPolygonRule.IGNORED)
    assert matching.truth.tolist() == matching.detection.tolist() == list(range(len(truth)))
