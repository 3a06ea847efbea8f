import numpy as np
import pytest

from raygroup.spotting.outlines import Outlines

SQUARE = np.array([[0.0, 0.0], [10.0, 0.0], [10.0, 10.0], [0.0, 10.0]])
L_SHAPE = np.array([[0.0, 0.0], [20.0, 0.0], [20.0, 10.0], [10.0, 10.0], [10.0, 20.0], [0.0, 20.0]])


def test_areas_perimeters_and_turns_of_many_polygons_are_measured_at_once():
    measures = Outlines.of([SQUARE, L_SHAPE, SQUARE[::-1] + 1e6]).measure()
    np.testing.assert_allclose(measures.areas, [100, 300, 100])
    np.testing.assert_allclose(measures.perimeters, [40, 80, 40])
    # five right angles outwards and one inwards
    np.testing.assert_allclose(measures.turns, [4, 4, 4])


def test_a_circle_turns_by_pi():
    angles = np.linspace(0, 2 * np.pi, 500, endpoint=False)
    assert Outlines.of([np.stack([np.cos(angles), np.sin(angles)], axis=1)]).measure().turns[0] == pytest.approx(np.pi, rel=1e-4)


def test_measures_foretell_those_of_the_moved_polygon():
    offsets = np.array([2.0, 3.0])
    outlines = Outlines.of([SQUARE, L_SHAPE])
    moved, is_sound = outlines.move(offsets)
    assert is_sound.all()
    foretold, measured = outlines.measure().grow(offsets), moved.measure()
    np.testing.assert_allclose(measured.areas, foretold.areas)
    np.testing.assert_allclose(measured.areas[0], 14 * 14)
    np.testing.assert_allclose(measured.perimeters, foretold.perimeters)
    np.testing.assert_allclose(outlines.measure().offsets_to(foretold.areas), offsets)


def test_a_polygon_that_loses_a_side_is_not_sound():
    # a slot 6 wide closes when its sides move by 3
    slotted = np.array([[0.0, 0.0], [7, 0], [7, 10], [13, 10], [13, 0], [20, 0], [20, 20], [0, 20]])
    polygons = [SQUARE, SQUARE, slotted, slotted, SQUARE[[0, 0, 1, 2, 3]]]
    _, is_sound = Outlines.of(polygons).move(np.array([-4.9, -5.1, 2.9, 3.1, 1.0]))
    assert is_sound.tolist() == [True, False, True, False, False]


def test_no_polygons_have_no_measures():
    assert len(Outlines.of([]).measure().areas) == 0
