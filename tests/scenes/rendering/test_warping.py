"""Warps curve and rotate the ink of a block without tearing it."""

import cv2
import numpy as np

from raygroup.scenes.rendering.warping import arc, homography
from raygroup.words.rendering.fonts import find_fonts
from raygroup.words.rendering.shaping import ink


def test_curving_keeps_the_connected_parts_of_a_word():
    """The shaped ink is warped as a whole, so Arabic stays joined and Devanagari keeps one headline."""
    for task, text in (("ar", "الجميل"), ("hi", "प्रभावित"), ("bn", "আক্রান্ত"), ("la", "word")):
        straight, _ = ink(text, find_fonts(task)[0], task, 64)
        warp = arc((straight.shape[1], straight.shape[0]), 4.0, 1.0, 0.2)
        parts = [cv2.connectedComponents((picture > 100).astype(np.uint8))[0] for picture in (straight, warp.apply(straight))]
        assert parts[0] == parts[1]


def test_a_positive_angle_lifts_the_middle_of_a_word_and_a_negative_one_lowers_it():
    bar = np.full((10, 200), 255, np.uint8)
    for angle, sign in ((1.5, 1), (-1.5, -1)):
        curved = arc((200, 10), 2.0, angle, 0.0).apply(bar)
        rows = [np.nonzero(curved[:, column])[0].mean() for column in (curved.shape[1] // 2, 12)]
        assert sign * (rows[1] - rows[0]) > 20


def test_a_curved_word_keeps_its_length_and_its_direction():
    """Ink of the left third stays in the left half of the patch, for either sign of the angle."""
    left = np.zeros((12, 240), np.uint8)
    left[:, :80] = 255
    for angle in (1.2, -1.2):
        warp = arc((240, 12), 2.0, angle, 0.0)
        columns = np.nonzero(warp.apply(left) > 127)[1]
        assert columns.max() < warp.size[0] / 2
        assert abs((warp.apply(left) > 127).sum() - 80 * 12) < 60


def test_a_clockwise_rotation_lowers_the_end_of_a_word():
    bar = np.full((10, 100), 255, np.uint8)
    rotated = homography((100, 10), 0.0, np.pi / 6).apply(bar)
    assert np.nonzero(rotated[:, -8])[0].mean() > np.nonzero(rotated[:, 8])[0].mean() + 30
