import numpy as np
import pytest

from raygroup.spotting.rectangles import rectangle_corners, sorted_corners


def test_an_upright_rectangle_begins_at_its_top_left():
    corners = rectangle_corners(np.array([[50.0, 20.0]]), np.array([[60.0, 10.0]]), np.zeros(1))[0]
    np.testing.assert_allclose(corners, [[20, 15], [80, 15], [80, 25], [20, 25]])


@pytest.mark.parametrize(("sides", "degrees"), [((10.0, 60.0), 90.0), ((60.0, 10.0), 180.0), ((10.0, 60.0), -90.0)])
def test_however_the_sides_are_named_the_corners_are_the_same(sides, degrees):
    corners = rectangle_corners(np.array([[50.0, 20.0]]), np.array([sides]), np.array([degrees]))[0]
    np.testing.assert_allclose(corners, [[20, 15], [80, 15], [80, 25], [20, 25]], atol=1e-9)


def test_the_first_side_points_to_the_right_also_of_a_vertical_word():
    corners = rectangle_corners(np.array([[0.0, 0.0]]), np.array([[100.0, 20.0]]), np.array([80.0]))[0]
    first_side = corners[1] - corners[0]
    assert np.hypot(*first_side) == pytest.approx(20)
    assert first_side[0] > 19


def test_sorted_corners_run_from_the_top_left():
    assert sorted_corners(((50.0, 20.0), (60.0, 10.0), 0.0)).tolist() == [[20, 15], [80, 15], [80, 25], [20, 25]]
