import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from raygroup.randomness import generator
from raygroup.words.rendering.fonts import find_fonts
from raygroup.words.rendering.shaping import ink
from raygroup.words.rendering.variation import CONTRAST_FLOOR, LUMA, _pad, _warp, camera_crop

BLOCK = np.full((32, 60), 255, np.uint8)
"""Ink without a gap, so that a pixel's place says if it is ink or ground."""


def block(seed, **settings):
    return camera_crop(BLOCK, generator(seed), **settings)


def luma(crop):
    return crop.astype(float) if crop.ndim == 2 else crop @ LUMA.astype(float)


@settings(max_examples=60, deadline=None)
@given(
    st.integers(1, 90), st.integers(1, 1500), st.integers(0, 10**6), st.sampled_from([0.0, 0.6, 1.0]),
    st.sampled_from([(32, 96), (48, 160), (16, 24)]), st.booleans(),
)  # fmt: skip
def test_a_crop_has_the_requested_height_and_at_most_the_width(mask_height, mask_width, seed, strength, size, gray):
    mask = np.full((mask_height, mask_width), 255, np.uint8)
    crop = camera_crop(mask, generator(seed), height=size[0], width=size[1], strength=strength, gray=gray)
    assert crop.dtype == np.uint8
    assert crop.shape[0] == size[0]
    assert 8 <= crop.shape[1] <= size[1]
    assert crop.shape[2:] == (() if gray else (3,))


@pytest.mark.parametrize("gray", [True, False])
def test_without_strength_the_crop_is_plain_ink_on_a_plain_ground(gray):
    for seed in range(100):
        crop = luma(block(seed, strength=0, gray=gray))
        ground, inked = crop[0, 0], crop[16, crop.shape[1] // 2]
        corners = crop[[0, 0, -1, -1], [0, -1, 0, -1]]
        assert np.ptp(corners) <= 1
        assert np.ptp(crop[8:24, 12:-12]) <= 1
        assert crop.min() >= min(ground, inked) - 1
        assert crop.max() <= max(ground, inked) + 1


@pytest.mark.parametrize("gray", [True, False])
def test_ink_differs_from_its_ground_by_three_quarters_of_the_floor_or_more(gray):
    """At most a quarter of the ground shows through the ink."""
    differences = []
    for seed in range(500):
        crop = luma(block(seed, strength=0, gray=gray))
        differences.append(abs(crop[16, crop.shape[1] // 2] - crop[0, 0]))
    assert min(differences) >= 0.75 * CONTRAST_FLOOR - 1
    assert CONTRAST_FLOOR == 45


def test_ink_is_darker_than_its_ground_about_as_often_as_it_is_lighter():
    crops = [block(seed, strength=0) for seed in range(300)]
    darker = sum(int(crop[16, crop.shape[1] // 2]) < int(crop[0, 0]) for crop in crops)
    assert 100 < darker < 200


def test_equal_keys_give_equal_pixels_and_other_keys_give_others():
    for gray in (True, False):
        np.testing.assert_array_equal(block(1, gray=gray), block(1, gray=gray))
    pictures = {block(seed).tobytes() for seed in range(200)}
    assert len(pictures) == 200


def test_the_callers_ink_is_not_changed():
    mask = BLOCK.copy()
    camera_crop(mask, generator(0), strength=1.0)
    np.testing.assert_array_equal(mask, BLOCK)


def test_no_rotation_or_shear_cuts_off_ink():
    """Shear, rotation and perspective move no ink to the edges."""
    ink_of_word = np.full((60, 150), 255, np.uint8)
    for seed in range(200):
        random = generator("turned", seed)
        mask = _warp(_pad(ink_of_word, random, 1.0), random, 64, 400, 1.0)
        edges = np.concatenate([mask[0], mask[-1], mask[:, 0], mask[:, -1]])
        assert edges.max() < 0.5
        assert mask.max() == 1


def test_more_strength_moves_a_crop_further_from_the_plain_one():
    distances = []
    for strength in (0.0, 0.3, 1.0):
        crops = [cv2.resize(block(seed, strength=strength), (96, 32)).astype(float) for seed in range(80)]
        plain = [cv2.resize(block(seed, strength=0.0), (96, 32)).astype(float) for seed in range(80)]
        distances.append(np.mean([np.abs(one - other).mean() for one, other in zip(crops, plain, strict=True)]))
    assert distances[0] == 0
    assert distances[0] < distances[1] < distances[2]


def test_only_strong_variation_makes_the_ground_rough():
    def roughness(strength):
        return np.median([block(seed, strength=strength)[0, :].std() for seed in range(120)])

    assert roughness(0.0) < 0.5
    assert roughness(1.0) > 4


def test_a_long_word_is_squeezed_into_the_width_and_a_short_one_keeps_its_shape():
    font = find_fonts("la")[0]
    short, long = (camera_crop(ink(text, font, "la")[0], generator(text), strength=0) for text in ("it", "internationalisation"))
    assert short.shape[1] < 60
    assert long.shape[1] == 96
