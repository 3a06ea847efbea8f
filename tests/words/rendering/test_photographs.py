import numpy as np
import pytest

from raygroup.randomness import generator
from raygroup.words.rendering.photographs import busy_ground, expose, frame
from raygroup.words.rendering.variation import camera_crop

BLOCK = np.full((40, 80), 255, np.uint8)


def flat(channels):
    return np.full((32, 90, channels), 100, np.float32)


def crops(photographs, count=60):
    return [camera_crop(BLOCK, generator("photographs", seed), photographs=photographs) for seed in range(count)]


def test_a_share_of_zero_draws_nothing_so_older_pixels_stay():
    one, other = generator("same"), generator("same")
    np.testing.assert_array_equal(camera_crop(BLOCK, one), camera_crop(BLOCK, other, photographs=0.0))
    assert one.random() == other.random()


def test_the_share_of_crops_that_change_is_the_setting():
    """A crop outside the share uses one more draw, so half of all crops have the frame of a photograph."""
    drawn = [generator("photographs", seed).random() < 0.5 for seed in range(400)]
    assert 0.4 < np.mean(drawn) < 0.6
    plain, half, all_of_them = crops(0.0), crops(0.5), crops(1.0)
    for is_photograph, crop, photograph in zip(drawn, half, all_of_them, strict=False):
        assert np.array_equal(crop, photograph) == is_photograph
    assert not any(np.array_equal(one, other) for one, other in zip(plain, all_of_them, strict=True))


@pytest.mark.parametrize("size", [(1, 1), (3, 200), (90, 4), (40, 80)])
def test_a_frame_is_never_empty_and_leaves_the_callers_ink_alone(size):
    ink = np.full(size, 255, np.uint8)
    for seed in range(60):
        framed = frame(ink, generator(seed))
        assert framed.size > 0
        assert framed.any()
    assert (ink == 255).all()


def test_a_frame_is_loose_at_most_by_half_of_the_height_and_cuts_at_most_a_sixteenth():
    heights = [frame(BLOCK, generator(seed)).shape[0] for seed in range(300)]
    assert 40 - 2 * 2 <= min(heights) < 40
    assert 60 < max(heights) <= 40 + 2 * 20


def test_loose_frames_sometimes_show_other_text_beside_a_gap():
    """The block is one piece of ink. With a neighbour above or below it, a column has two or three pieces."""
    pieces = []
    for seed in range(300):
        column = frame(BLOCK, generator(seed))[:, 40] > 0
        pieces.append(np.count_nonzero(np.diff(column.astype(int), prepend=0) == 1))
    assert min(pieces) == 1
    assert 0.1 < np.mean(np.array(pieces) > 1) < 0.3
    assert max(pieces) <= 3


@pytest.mark.parametrize("channels", [1, 3])
def test_a_busy_ground_keeps_its_shape_and_is_mostly_not_flat(channels):
    grounds = [busy_ground(flat(channels), generator(seed)) for seed in range(80)]
    assert {ground.shape for ground in grounds} == {(32, 90, channels)}
    assert np.mean([ground.std() > 1 for ground in grounds]) > 0.7


@pytest.mark.parametrize("channels", [1, 3])
def test_exposure_never_adds_contrast_without_uneven_light_and_keeps_the_shape(channels):
    picture = flat(channels)
    picture[8:24, 20:70] = 220
    exposed = [expose(picture, generator(seed)) for seed in range(80)]
    assert {image.shape for image in exposed} == {(32, 90, channels)}
    contrasts = [float(image[8:24, 30:60].mean() - image[:3].mean()) for image in exposed]
    assert min(contrasts) > 15
    assert max(contrasts) < 1.3 * 220
    assert np.mean([contrast < 110 for contrast in contrasts]) > 0.5
