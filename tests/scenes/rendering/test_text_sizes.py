"""Text has few large sizes and many small ones, up to the largest that the settings allow."""

from dataclasses import replace

import numpy as np
import pytest
from rendered_scenes_for_tests import ink_of, inside, words_of

from raygroup.errors import ConfigError
from raygroup.randomness import generator
from raygroup.scenes.rendering.composing import lay_out, load_materials
from raygroup.scenes.rendering.settings import SceneSettings
from raygroup.scenes.rendering.text_sizes import draw_em

SETTINGS = SceneSettings(words_per_task=200, largest_text=0.5, tasks=("la", "ko"))
SIDE = 480
NUM_SCENES = 60


@pytest.fixture(scope="module")
def layouts():
    materials = load_materials(SETTINGS)
    return [lay_out(SETTINGS, materials, number) for number in range(NUM_SCENES)]


def test_drawn_sizes_follow_the_inverse_square_law():
    """Of sizes from a to b with density 1/s^2, half lie below 2ab / (a + b): 24.7 for 13 and 240 pixels."""
    random = generator("sizes")
    ems = np.array([draw_em(SETTINGS, None, random) for _ in range(4000)])
    assert ems.min() == 13
    assert 220 < ems.max() <= 240
    assert abs(np.median(ems) - 24.7) < 1.5
    assert abs((ems > 72).mean() - (1 / 72 - 1 / 240) / (1 / 13 - 1 / 240)) < 0.02


def test_scenes_have_few_large_words_and_many_small_ones(layouts):
    ems = np.array([placed.block.em for placed, _ in words_of(layouts)]) / SIDE
    assert ems.max() > 0.35
    assert 0.04 < (ems > 0.15).mean() < 0.2
    assert np.median(ems) < 0.08


def test_most_scenes_with_a_large_word_have_small_words_too(layouts):
    large = [blocks for blocks in layouts if max(placed.block.em for placed in blocks) > 0.2 * SIDE]
    assert len(large) > NUM_SCENES / 5
    assert np.mean([min(placed.block.em for placed in blocks) < 0.1 * SIDE for blocks in large]) > 0.8


def test_a_large_block_has_one_word_and_fits_into_the_scene(layouts):
    large = [placed for blocks in layouts for placed in blocks if placed.block.em > 0.15 * SIDE]
    assert {len(placed.block.texts) for placed in large} == {1}
    for placed in large:
        corners = placed.polygon(0)
        assert (corners >= 0).all()
        assert (corners <= (639, 479)).all()


def test_the_ink_of_a_large_word_is_inside_its_polygon(layouts):
    for placed, word in words_of(layouts):
        if placed.block.em > 0.15 * SIDE:
            inked = ink_of(placed, word, SETTINGS) > 127
            assert not (inked & ~inside(placed.polygon(word), SETTINGS)).sum() > 0.005 * inked.sum()


def test_text_that_cannot_be_read_is_never_large():
    settings = replace(SETTINGS, dont_care=1.0)
    materials = load_materials(settings)
    assert max(placed.block.em for number in range(10) for placed in lay_out(settings, materials, number)) <= 72


def test_scenes_have_as_many_words_as_without_large_text(layouts):
    common = replace(SETTINGS, largest_text=0.15)
    materials = load_materials(common)
    counts = [len(words_of([lay_out(common, materials, number)])) for number in range(NUM_SCENES)]
    assert np.mean([len(words_of([blocks])) for blocks in layouts]) > 0.9 * np.mean(counts)


@pytest.mark.parametrize("share", [0.0, 1.5])
def test_a_share_out_of_range_is_refused(share):
    with pytest.raises(ConfigError, match=r"scenes\.largest_text is .*: it must be a share of the shorter side"):
        SceneSettings(largest_text=share)
