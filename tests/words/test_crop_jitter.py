"""The edges of crops move by the share that is asked for, and no further."""

import numpy as np

from raygroup.words.crop_jitter import move_edges


def bars(count):
    crops = np.full((count, 32, 96), 255, np.uint8)
    crops[:, 8:24, 40:44] = 0
    return crops


def test_no_jitter_returns_the_crops_themselves():
    crops = bars(2)
    assert move_edges(crops, 0.0, np.random.default_rng(0)) is crops


def test_a_bar_stays_within_the_reach_of_the_moves():
    moved = move_edges(bars(50), 0.125, np.random.default_rng(0))  # edges move by at most 4 pixels
    dark = np.argwhere(moved < 128)
    assert dark[:, 2].min() >= 40 - 8
    assert dark[:, 2].max() <= 43 + 8
    columns = [np.argwhere(crop < 128)[:, 1].mean() for crop in moved]
    assert np.ptp(columns) > 2, "the bars moved"


def test_the_draw_decides_the_crops():
    one, same, other = (move_edges(bars(3), 0.1, np.random.default_rng(seed)) for seed in (0, 0, 1))
    assert np.array_equal(one, same)
    assert not np.array_equal(one, other)


def test_a_light_ground_stays_light_at_the_border():
    assert (move_edges(np.full((4, 32, 96), 200, np.uint8), 0.4, np.random.default_rng(0)) == 200).all()


def test_no_crops_are_no_crops():
    assert move_edges(np.zeros((0, 32, 96), np.uint8), 0.1, np.random.default_rng(0)).shape == (0, 32, 96)
