"""Broken polygons: which are mended, how, and which are not."""

import numpy as np
import pytest
import shapely

from raygroup.scenes.polygons import MAX_CORNERS, checked


def test_what_is_valid_comes_back_as_it_stands_in_its_order():
    flats = [(0, 0, 9, 0, 9, 9, 0, 9), (0, 0, 0, 9, 9, 9), (5, 5, 0, 9, 0, 0, 9, 0)]
    assert [(polygon.ravel().tolist(), said) for polygon, said in checked(flats)] == [([*map(float, flat)], "") for flat in flats]


def test_a_bow_tie_is_taken_in_the_order_of_its_hull_from_its_first_corner():
    [(polygon, said)] = checked([(9, 0, 0, 9, 9, 9, 0, 0)])
    assert polygon.tolist() == [[9, 0], [9, 9], [0, 9], [0, 0]]
    assert said == "its corners cross: taken in the order of their convex hull"


def test_the_self_crossing_word_of_mlt19_is_mended():
    [(polygon, said)] = checked([(1905, 16, 1905, 14, 1866, 29, 1863, 13)])
    assert said
    assert shapely.Polygon(polygon).is_valid


def test_a_polygon_that_crosses_itself_gives_its_largest_piece_if_that_is_most_of_it():
    [(polygon, said)] = checked([(0, 0, 20, 0, 20, 10, 0, 10, 1, 11)])
    assert "its largest piece is taken" in said
    assert polygon == pytest.approx(np.array([[0, 0], [20, 0], [20, 10], [10 / 11, 10]]))
    star = [value for corner in range(5) for value in (np.cos(corner * 4 * np.pi / 5), np.sin(corner * 4 * np.pi / 5))]
    [(polygon, said)] = checked([star])
    assert (polygon is None) == ("no piece of it holds half" in said)


@pytest.mark.parametrize(
    ("flat", "said"),
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
def test_what_is_no_polygon_is_rejected_with_its_reason_and_the_others_stay(flat, said):
    square = (0, 0, 9, 0, 9, 9, 0, 9)
    first, (polygon, why), last = checked([square, flat, square])
    assert (polygon, why) == (None, said)
    assert first[0].tolist() == last[0].tolist() == [[0, 0], [9, 0], [9, 9], [0, 9]]


def test_a_polygon_of_many_corners_may_be_valid_but_is_not_repaired():
    angles = np.linspace(0, 2 * np.pi, MAX_CORNERS, endpoint=False)
    circle = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    fine, crossing = checked([tuple(circle.ravel()), tuple(np.random.default_rng(1).permutation(circle).ravel())])
    assert fine[1] == ""
    assert crossing == (None, "it crosses itself and has 256 corners: repaired are polygons of at most 32")


def test_whatever_comes_back_is_a_valid_polygon_of_some_area():
    random = np.random.default_rng(7)
    flats = [tuple(random.integers(-3, 8, 2 * random.integers(3, 9)).astype(float)) for _ in range(3000)]
    found = checked(flats)
    kept = [shapely.Polygon(polygon) for polygon, _ in found if polygon is not None]
    assert 1000 < len(kept) < 3000
    assert all(shape.is_valid and shape.area > 0 for shape in kept)
    assert all(said for polygon, said in found if polygon is None)
