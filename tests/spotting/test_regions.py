import cv2
import numpy as np
import pytest
import shapely

from raygroup.spotting.offsets import shrink_polygons
from raygroup.spotting.rectangles import rectangle_corners
from raygroup.spotting.regions import RegionSettings, find_regions

SIZES = [(20, 20), (40, 20), (60, 20), (100, 20), (200, 20), (400, 20)]
FINE = 4
"""Maps are drawn so many times larger: pixels are coarse beside the kernel of a word 20 pixels high."""


def kernel_map(words, shape):
    """A map whose kernels reach to the edges of pixels, as OpenCV fills them from centre to centre."""
    probabilities = np.zeros(shape, np.float32)
    for kernel in shrink_polygons(words, inset=0.5):
        cv2.fillPoly(probabilities, [np.round((kernel - 0.5) * 16).astype(np.int32)], 1, shift=4)
    return probabilities


def word(wide, high, degrees=0.0, centre=(500.0, 200.0)):
    return rectangle_corners(np.array([centre]), np.array([[wide, high]], float) * FINE, np.array([degrees]))[0]


def overlap(one, other):
    one, other = shapely.Polygon(one), shapely.Polygon(other)
    return one.intersection(other).area / one.union(other).area


@pytest.mark.parametrize("outline", ["rectangle", "polygon"])
@pytest.mark.parametrize("size", SIZES)
def test_a_level_word_is_found_where_it_was_drawn(size, outline):
    words = [word(*size, centre=(900.0, 200.0))]
    regions = find_regions(kernel_map(words, (400, 1800)), RegionSettings(outline=outline))
    assert len(regions) == 1
    # the released constant grows kernels to overlaps of 0.52 to 0.91
    assert overlap(regions.polygons[0], words[0]) > 0.95


@pytest.mark.parametrize("size", SIZES)
def test_a_tilted_word_is_found_where_it_was_drawn(size):
    words = [word(*size, degrees=12, centre=(900.0, 300.0))]
    regions = find_regions(kernel_map(words, (600, 1800)), RegionSettings())
    assert overlap(regions.rectangles[0], words[0]) > 0.95


def test_a_curved_word_keeps_its_form_as_a_polygon():
    angles = np.linspace(1.1 * np.pi, 1.9 * np.pi, 16)
    arc = np.stack([np.cos(angles), np.sin(angles)], axis=1)
    curved = np.concatenate([200 * arc, 160 * arc[::-1]]) + (300, 400)
    regions = find_regions(kernel_map([curved], (500, 600)), RegionSettings(outline="polygon"))
    assert overlap(regions.polygons[0], curved) > 0.95
    assert regions.boxes[0] == pytest.approx([*curved.min(axis=0), *curved.max(axis=0)], abs=4)


def test_regions_come_with_the_best_score_first_and_their_mean_probability():
    probabilities = np.zeros((60, 100), np.float32)
    probabilities[10:20, 10:40] = 0.875
    probabilities[40:50, 10:40] = 1.0
    probabilities[40:50, 60:90] = 0.8
    probabilities[45, 60:90] = 0.71
    regions = find_regions(probabilities, RegionSettings(least_score=0.75))
    np.testing.assert_allclose(regions.scores, [1.0, 0.875, 0.791], rtol=1e-5)
    assert len(find_regions(probabilities, RegionSettings(least_score=0.83))) == 2
    assert find_regions(probabilities, RegionSettings(most_regions=1)).scores.tolist() == [1.0]


def test_a_piece_within_the_hole_of_another_is_a_region_of_its_own():
    probabilities = np.zeros((100, 200), np.float32)
    probabilities[10:90, 10:190] = 0.9
    probabilities[20:80, 20:180] = 0
    probabilities[40:60, 60:140] = 1.0
    scores = find_regions(probabilities, RegionSettings()).scores
    np.testing.assert_allclose(scores, [1.0, 0.9], rtol=1e-6)


@pytest.mark.parametrize("outline", ["rectangle", "polygon"])
def test_specks_and_lines_are_no_words(outline):
    probabilities = np.zeros((40, 80), np.float32)
    probabilities[5, 5] = probabilities[8, 20:40] = 1
    probabilities[20:22, 10:12] = 1
    assert len(find_regions(probabilities, RegionSettings(outline=outline))) == 0
    lines = find_regions(probabilities, RegionSettings(outline=outline, least_side=0.5, least_pixels=1))
    assert len(lines) == 3
    assert all(len(polygon) >= 3 for polygon in lines.polygons)


@pytest.mark.parametrize("value", [0.0, 0.69, np.nan])
def test_a_map_without_text_gives_no_regions(value):
    regions = find_regions(np.full((32, 64), value, np.float32), RegionSettings(outline="polygon"))
    assert len(regions) == 0
    assert (regions.boxes.shape, regions.rectangles.shape, regions.polygons) == ((0, 4), (0, 4, 2), ())


def test_a_map_full_of_text_is_one_region_within_the_image():
    regions = find_regions(np.ones((32, 64), np.float32), RegionSettings())
    assert regions.boxes.tolist() == [[0, 0, 64, 32]]
