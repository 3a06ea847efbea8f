import numpy as np
import pytest
import shapely

from raygroup.spotting.offsets import (
    offset_polygons,
    rectangle_measures,
    shrink_on_grid,
    shrink_polygons,
    unclipping_offsets,
)  # fmt: skip
from raygroup.spotting.outlines import Outlines
from raygroup.spotting.rectangles import rectangle_corners

SIZES = [(20, 20), (40, 20), (60, 20), (100, 20), (200, 20), (400, 20)]


def rectangle(wide, high, degrees=0.0):
    return rectangle_corners(np.array([[250.0, 250.0]]), np.array([[wide, high]], float), np.array([degrees]))[0]


def overlap(one, other):
    one, other = shapely.Polygon(one), shapely.Polygon(other)
    return one.intersection(other).area / one.union(other).area


def test_a_rectangle_of_100_by_40_shrinks_by_12_pixels():
    # d = A (1 - 0.4^2) / L = 4000 x 0.84 / 280
    kernel = shrink_polygons([np.array([[0.0, 0.0], [100.0, 0.0], [100.0, 40.0], [0.0, 40.0]])])[0]
    np.testing.assert_allclose(sorted(kernel.tolist()), [[12, 12], [12, 28], [88, 12], [88, 28]], atol=1e-9)


def test_the_released_form_has_the_same_kernel_on_whole_pixels():
    kernel = shrink_on_grid(np.array([[0.9, 0.9], [100.9, 0.9], [100.9, 40.9], [0.9, 40.9]]))
    assert sorted(kernel.tolist()) == [[12, 12], [12, 28], [88, 12], [88, 28]]


@pytest.mark.parametrize("degrees", [0, 17, 90])
@pytest.mark.parametrize("size", SIZES)
def test_growing_a_kernel_returns_the_rectangle(size, degrees):
    word = rectangle(*size, degrees)
    kernel = shrink_polygons([word])[0]
    offsets = unclipping_offsets(Outlines.of([kernel]).measure())
    assert overlap(offset_polygons([kernel], offsets)[0], word) > 0.999


@pytest.mark.parametrize("size", SIZES)
def test_the_sides_of_a_kernel_tell_those_of_the_rectangle(size):
    offset = size[0] * size[1] * 0.84 / (2 * sum(size))
    sides = np.array([size], float) - 2 * offset
    np.testing.assert_allclose(unclipping_offsets(rectangle_measures(sides)), [offset])


def test_growing_the_kernel_of_a_curved_word_returns_the_word():
    angles = np.linspace(0.1 * np.pi, 0.9 * np.pi, 12)
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    word = np.concatenate([200 * arc, 150 * arc[::-1]])
    kernel = shrink_polygons([word])[0]
    assert overlap(offset_polygons([kernel], unclipping_offsets(Outlines.of([kernel]).measure()))[0], word) > 0.99


def test_growing_the_kernel_of_a_slanted_word_returns_the_word():
    word = np.array([[0.0, 0.0], [100.0, 10.0], [95.0, 50.0], [5.0, 35.0]])
    kernel = shrink_polygons([word])[0]
    assert overlap(offset_polygons([kernel], unclipping_offsets(Outlines.of([kernel]).measure()))[0], word) > 0.99


def test_other_ratios_are_undone_too():
    kernel = shrink_polygons([rectangle(120, 30)], 0.7)[0]
    offsets = unclipping_offsets(Outlines.of([kernel]).measure(), 0.7)
    assert overlap(offset_polygons([kernel], offsets)[0], rectangle(120, 30)) > 0.999


def test_moving_polygons_agrees_with_shapely_also_where_their_sides_meet():
    random = np.random.default_rng(0)
    polygons = []
    for _ in range(100):
        angles = np.sort(random.uniform(0, 2 * np.pi, random.integers(4, 12)))
        polygons.append(100 + random.uniform(20, 60, (len(angles), 1)) * np.stack([np.cos(angles), np.sin(angles)], axis=1))
    offsets = random.uniform(-12, 12, len(polygons))
    for polygon, offset, moved in zip(polygons, offsets, offset_polygons(polygons, offsets), strict=True):
        expected = shapely.Polygon(polygon).buffer(offset, join_style="mitre", mitre_limit=2.0)
        largest = max(shapely.get_parts(expected), key=shapely.area, default=None)
        if largest is None or largest.is_empty:
            assert len(moved) == 0
        else:
            assert overlap(moved, shapely.Polygon(largest.exterior)) == pytest.approx(1, abs=1e-6)


def test_a_word_that_vanishes_has_no_kernel():
    assert [len(kernel) for kernel in shrink_polygons([rectangle(0.5, 0.1)], inset=1.0)] == [0]
    assert shrink_on_grid(np.array([[0.0, 0.0], [0.4, 0.0], [0.4, 0.4], [0.0, 0.4]])) is None


def test_no_polygons_stay_none():
    assert offset_polygons([], np.zeros(0)) == []
    assert shrink_polygons([]) == []
