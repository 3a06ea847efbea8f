"""Words are cut out of scenes upright, with the content of their polygon."""

import cv2
import numpy as np
import pytest

from raygroup.randomness import generator
from raygroup.scenes.cropping import crop, move_corners, reading_quad

SCENE = np.zeros((100, 200, 3), np.uint8)
SCENE[40:60, 50:110] = 255
"""A white word of 60 x 20 pixels with its top left corner at (50, 40)."""
QUAD = np.array([[50, 40], [110, 40], [110, 60], [50, 60]], float)


def test_a_straight_word_is_cut_out_unchanged():
    word = crop(SCENE, QUAD)
    assert word.shape == (20, 60, 3)
    assert word[1:-1, 1:-1].min() == 255


def test_a_word_upside_down_is_turned_upright():
    marked = SCENE.copy()
    marked[40:50, 50:80] = 100  # upper left quarter of the white word
    word = crop(marked, QUAD[[2, 3, 0, 1]])
    assert word[15, 50].tolist() == [100, 100, 100]
    assert word[5, 10].tolist() == [255, 255, 255]


def test_a_word_higher_than_the_limit_is_scaled_down_to_it():
    assert crop(SCENE, QUAD, height=10).shape == (10, 30, 3)


def test_a_vertical_word_is_turned_to_the_left_unless_turned_off():
    marked = np.zeros((200, 100, 3), np.uint8)
    marked[50:60, 40:60] = 255  # the first character is at the top
    column = np.array([[40, 50], [60, 50], [60, 110], [40, 110]], float)
    turned = crop(marked, column)
    assert turned.shape == (20, 60, 3)
    assert turned[10, 5].min() == 255
    assert turned[10, 40].max() == 0
    assert crop(marked, column, turn_vertical=False).shape == (60, 20, 3)


def test_the_area_outside_a_polygon_gets_the_median_colour_of_the_inside():
    scene = np.full((60, 100, 3), 40, np.uint8)
    hexagon = np.array([[20, 10], [50, 20], [80, 10], [80, 40], [50, 50], [20, 40]], float)
    scene[:, :] = (0, 0, 200)  # red around the word
    cv2.fillPoly(scene, [hexagon.astype(np.int32)], (90, 90, 90))
    word = crop(scene, hexagon)
    red = (word[..., 2].astype(int) - word[..., 0]) > 60
    assert red.mean() < 0.02


@pytest.mark.parametrize("turn", [0, 25, -40, 120, 180])
def test_the_rectangle_of_a_long_polygon_starts_where_its_label_starts(turn):
    angle = np.deg2rad(turn)
    rotation = np.array([[np.cos(angle), np.sin(angle)], [-np.sin(angle), np.cos(angle)]])
    above = np.array([[x, 0.0] for x in (0, 20, 40, 60)])
    polygon = np.concatenate([above, above[::-1] + [0, 15]]) @ rotation + 200
    corners = reading_quad(polygon)
    expected = np.array([[0, 0], [60, 0], [60, 15], [0, 15]], float) @ rotation + 200
    assert np.abs(corners - expected).max() < 0.5


def test_a_polygon_outside_the_image_or_too_small_gives_no_word():
    assert crop(SCENE, QUAD + 500) is None
    assert crop(SCENE, QUAD - 500) is None
    assert crop(SCENE, np.array([[10, 10], [40, 10], [40, 11], [10, 11]], float)) is None


def test_a_word_partly_outside_the_image_keeps_its_size():
    assert crop(SCENE, QUAD + [100, 0]).shape == (20, 60, 3)


def test_without_a_polygon_the_word_is_the_whole_image():
    assert crop(SCENE, None, height=200).shape == SCENE.shape
    assert crop(SCENE, None, height=50).shape == (50, 100, 3)


def test_moved_corners_stay_near_the_word_whichever_way_it_runs():
    word = np.array([[50.0, 40.0], [130.0, 40.0], [130.0, 60.0], [50.0, 60.0]])
    turned = np.stack([-word[:, 1], word[:, 0]], axis=1)
    for quad, along in ((word, 0), (turned, 1)):
        moves = np.stack([move_corners(quad, 0.1, generator(number)) - quad for number in range(1000)])
        outwards = moves * np.sign(quad - quad.mean(axis=0))
        np.testing.assert_allclose(outwards.mean(axis=(0, 1)), 2.0, atol=0.3)  # the margin of 10 % is the mean air
        deviations = outwards.std(axis=0)
        np.testing.assert_allclose(deviations[:, along], 20 * np.hypot(0.17, 0.03), rtol=0.1)
        np.testing.assert_allclose(deviations[:, 1 - along], 20 * np.hypot(0.1, 0.03), rtol=0.1)
