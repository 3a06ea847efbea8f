"""Broken polygons are repaired if their meaning is clear, and rejected otherwise."""

import numpy as np
import pytest
import shapely

from raygroup.scenes.polygons import MAX_CORNERS, check_polygons


def test_a_valid_polygon_is_returned_unchanged():
    flats = [(0, 0, 9, 0, 9, 9, 0, 9), (0, 0, 0, 9, 9, 9), (5, 5, 0, 9, 0, 0, 9, 0)]
    results = [(polygon.ravel().tolist(), message) for polygon, message in check_polygons(flats)]
    assert results == [([*map(float, flat)], "") for flat in flats]


def test_a_bow_tie_gets_the_order_of_its_hull_from_its_first_corner():
    [(polygon, message)] = check_polygons([(9, 0, 0, 9, 9, 9, 0, 0)])
    assert polygon.tolist() == [[9, 0], [9, 9], [0, 9], [0, 0]]
    assert message == "its corners cross: taken in the order of their convex hull"


def test_the_self_crossing_word_of_mlt19_is_repaired():
    [(polygon, message)] = check_polygons([(1905, 16, 1905, 14, 1866, 29, 1863, 13)])
    assert message
    assert shapely.Polygon(polygon).is_valid


def test_a_self_crossing_polygon_becomes_its_largest_piece_if_that_has_most_of_the_area():
    [(polygon, message)] = check_polygons([(0, 0, 20, 0, 20, 10, 0, 10, 1, 11)])
    assert "its largest piece is taken" in message
    assert polygon == pytest.approx(np.array([[0, 0], [20, 0], [20, 10], [10 / 11, 10]]))
    star = [value for corner in range(5) for value in (np.cos(corner * 4 * np.pi / 5), np.sin(corner * 4 * np.pi / 5))]
    [(polygon, message)] = check_polygons([star])
    assert (polygon is None) == ("none of its pieces has half" in message)


@pytest.mark.parametrize(
    ("flat", "expected_reason"),
    [
        ((), "0 corners, must be 3 to 256"),
        ((1, 2, 3, 4), "2 corners, must be 3 to 256"),
        ((0, 0, 9, 0, 9, 9, 4), "3.5 corners, must be 3 to 256"),
        ((0, 0, 9, 0) * MAX_CORNERS, "512 corners, must be 3 to 256"),
        ((0, 0, 9, 0, 0, 0, 9, 0), "2 different corners, a polygon has at least 3"),
        ((0, 0, 3, 3, 6, 6, 9, 9), "its corners lie on one line: no area"),
        ((0, 0, 9, 0, float("inf"), 9, 0, 9), "a coordinate is inf, must be below 10,000,000 pixels"),
        ((0, 0, 9, 0, 9, -1e8, 0, 9), "a coordinate is -100000000.0, must be below 10,000,000 pixels"),
    ],
)
def test_a_broken_polygon_is_rejected_with_a_reason_and_others_are_unaffected(flat, expected_reason):
    square = (0, 0, 9, 0, 9, 9, 0, 9)
    first, (polygon, reason), last = check_polygons([square, flat, square])
    assert (polygon, reason) == (None, expected_reason)
    assert first[0].tolist() == last[0].tolist() == [[0, 0], [9, 0], [9, 9], [0, 9]]


def test_a_polygon_of_many_corners_may_be_valid_but_is_not_repaired():
    angles = np.linspace(0, 2 * np.pi, MAX_CORNERS, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    fine, crossing = check_polygons([tuple(circle.ravel()), tuple(np.random.default_rng(1).permutation(circle).ravel())])
    assert fine[1] == ""
    assert crossing == (None, "it crosses itself and has 256 corners: only polygons of at most 32 are repaired")


def test_every_returned_polygon_is_valid_and_has_an_area():
    random = np.random.default_rng(7)
    flats = [tuple(random.integers(-3, 8, 2 * random.integers(3, 9)).astype(float)) for _ in range(3000)]
    results = check_polygons(flats)
    shapes = [shapely.Polygon(polygon) for polygon, _ in results if polygon is not None]
    assert 1000 < len(shapes) < 3000
    assert all(shape.is_valid and shape.area > 0 for shape in shapes)
    assert all(message for polygon, message in results if polygon is None)
