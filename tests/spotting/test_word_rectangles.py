import numpy as np

from raygroup.spotting.word_rectangles import reading_rectangles, word_regions


def rectangle(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


def test_a_word_has_the_crops_margin_and_fills_the_crops_share():
    # 20 pixels high and 40 wide: a tenth of the short side is 2 pixels of air, so 44 x 24, or 58.67 of 96 columns at 32 rows
    rectangles, filled = reading_rectangles([rectangle(10, 10, 50, 30)])
    assert np.allclose(rectangles[0], rectangle(8, 8, 52, 32))
    assert np.allclose(filled, [44 / 24 * 32 / 96])


def test_wide_words_fill_all_columns():
    assert reading_rectangles([rectangle(0, 0, 100, 10)])[1].tolist() == [1.0]


def test_vertical_words_are_read_from_top_to_bottom():
    rectangles, _ = reading_rectangles([rectangle(10, 10, 20, 60)], margin=0.0)
    assert rectangles[0].tolist() == [[20, 10], [20, 60], [10, 60], [10, 10]]


def test_regions_are_shares_of_the_image_and_of_the_box():
    polygon = rectangle(20, 10, 60, 30)
    regions = word_regions([polygon], polygon[None], np.ones(1), (100, 200), 8)
    assert regions.boxes.tolist() == [[20, 10, 60, 30]]
    assert np.allclose(regions.in_image[0], [[0.1, 0.1], [0.3, 0.1], [0.3, 0.3], [0.1, 0.3]])
    assert np.allclose(regions.in_box[0], [[0, 0], [1, 0], [1, 1], [0, 1]])
    assert regions.masks.shape == (1, 8, 8)
    assert regions.masks.all()


def test_an_image_without_words_has_regions_of_length_0():
    rectangles, filled = reading_rectangles([])
    regions = word_regions([], rectangles, filled, (10, 10), 4)
    assert regions.masks.shape == (0, 4, 4)
    assert regions.in_box.shape == (0, 4, 2)
