"""Samples of scenes: what they show is where their polygons say."""

import cv2
import numpy as np
import pytest

from raygroup.spotter_config import Samples
from raygroup.training.spotter.scene_samples import draw_sample

PLAIN = Samples(side=128, variation=0.0)
SQUARE = np.array([[80, 60], [120, 60], [120, 100], [80, 100]], np.float64)


@pytest.fixture
def scene():
    pixels = np.zeros((240, 320, 3), np.uint8)
    pixels[60:100, 80:120] = 255
    return pixels


@pytest.mark.parametrize("seed", range(8))
def test_the_polygon_of_a_word_surrounds_its_pixels(scene, seed):
    sample = draw_sample(scene, [SQUARE], Samples(side=128, variation=0.0, around_words=1.0), np.random.default_rng(seed))
    assert sample.numbers == (0,)
    mask = cv2.fillPoly(np.zeros((128, 128), np.uint8), [np.round((sample.polygons[0] - 0.5) * 16).astype(np.int32)], 1, shift=4)
    bright = (sample.pixels > 127).all(2)
    assert np.mean(bright == (mask > 0)) > 0.98


def test_a_word_outside_the_sample_is_left_out(scene):
    far = SQUARE + 10_000
    sample = draw_sample(scene, [far, SQUARE], Samples(side=320, variation=0.0, smallest_zoom=1, largest_zoom=1), np.random.default_rng(0))
    assert sample.numbers == (1,)


def test_without_variation_colours_stay_as_they_are(scene):
    sample = draw_sample(scene, [], PLAIN, np.random.default_rng(3))
    flat = {int(value) for value in np.unique(sample.pixels)}
    assert flat <= set(range(256))
    assert {0, 255} & flat


def test_equal_generators_give_equal_samples_and_others_differ(scene):
    settings = Samples(side=64)
    one, same, other = (draw_sample(scene, [SQUARE], settings, np.random.default_rng(seed)).pixels for seed in (5, 5, 6))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_scene_smaller_than_a_sample_lies_in_its_middle():
    sample = draw_sample(np.full((20, 30, 3), 200, np.uint8), [], Samples(side=128, variation=0.0, rotation=0.0), np.random.default_rng(0))
    rows, columns = np.nonzero((sample.pixels == 200).all(2))
    assert abs(rows.mean() - 63.5) < 3
    assert abs(columns.mean() - 63.5) < 3
