import numpy as np
import pytest

from raygroup.spotting.word_crops import add_margin, word_crops

SCENE = np.zeros((100, 300), np.uint8)
SCENE[40:60, 50:110] = 255
"""A white word of 60 x 20 pixels."""
QUAD = np.array([[50.0, 40.0], [110.0, 40.0], [110.0, 60.0], [50.0, 60.0]])


def test_a_margin_is_a_share_of_the_short_side_on_every_side():
    np.testing.assert_allclose(add_margin(QUAD[None], 0.1)[0], [[48, 38], [112, 38], [112, 62], [48, 62]])


def test_the_margin_of_a_vertical_word_follows_its_width():
    column = np.array([[40.0, 0.0], [60.0, 0.0], [60.0, 100.0], [40.0, 100.0]])
    np.testing.assert_allclose(add_margin(column[None], 0.1)[0], [[38, -2], [62, -2], [62, 102], [38, 102]])


def test_a_crop_shows_the_word_with_air_around_it():
    cut = word_crops(SCENE, [QUAD], margin=0.1)
    assert cut.crops.shape == (1, 32, 96)
    # 64 x 24 pixels become 85 x 32, so the air is 2.7 wide
    assert cut.crops[0, 0].max() == cut.crops[0, -1, :85].max() == 0
    assert cut.crops[0, 5:27, 5:80].min() == 255
    assert cut.crops[0, :, 85:].max() == 0


def test_a_word_without_a_margin_fills_its_crop():
    assert word_crops(SCENE, [QUAD], margin=0.0).crops[0, 2:-2, 2:90].min() == 255


def test_words_that_cannot_be_read_are_left_out_and_the_others_keep_their_places():
    outside, tiny = QUAD + 1000, QUAD[0] + 0.01 * (QUAD - QUAD[0])
    cut = word_crops(SCENE, [outside, QUAD, tiny, QUAD])
    assert cut.words.tolist() == [1, 3]
    np.testing.assert_array_equal(cut.crops[0], cut.crops[1])


def test_a_vertical_word_is_read_from_top_to_bottom():
    scene = np.zeros((200, 100), np.uint8)
    scene[50:60, 40:60] = 255  # the first character is at the top
    column = np.array([[40.0, 50.0], [60.0, 50.0], [60.0, 110.0], [40.0, 110.0]])
    crop = word_crops(scene, [column], margin=0.0).crops[0]
    assert crop[16, 4] > 250
    assert crop[16, 40:].max() == 0


def test_a_curved_outline_is_cut_out_as_its_rectangle():
    curved = np.array([[50.0, 40.0], [80.0, 40.0], [110.0, 40.0], [110.0, 60.0], [80.0, 60.0], [50.0, 60.0]])
    np.testing.assert_allclose(word_crops(SCENE, [curved]).crops.astype(int), word_crops(SCENE, [QUAD]).crops, atol=2)


def test_words_of_an_image_too_wide_for_opencv_are_cut_out():
    wide = np.zeros((60, 40_000), np.uint8)
    wide[20:40, 39_000:39_060] = 255
    assert word_crops(wide, [QUAD + (38_950, -20)]).crops[0, 5:27, 5:80].min() == 255


@pytest.mark.parametrize("size", [(32, 96), (48, 160)])
def test_no_words_have_no_crops(size):
    cut = word_crops(SCENE, [], size=size)
    assert cut.crops.shape == (0, *size)
    assert len(cut.words) == 0
