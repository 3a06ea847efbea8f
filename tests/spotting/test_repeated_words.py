import numpy as np

from raygroup.spotting.repeated_words import distinct_words


def rectangle(left, top, right, bottom):
    return np.array([[left, top], [right, top], [right, bottom], [left, bottom]], float)


WORD, SHIFTED = rectangle(0, 0, 100, 20), rectangle(50, 0, 150, 20)
"""They share 50 of 150 columns."""


def test_of_two_words_that_overlap_the_one_read_better_is_kept():
    assert distinct_words([WORD, SHIFTED], np.array([0.8, 0.9])).tolist() == [1]
    assert distinct_words([WORD, SHIFTED], np.array([0.9, 0.8])).tolist() == [0]
    assert distinct_words([WORD, SHIFTED], np.array([0.9, 0.8]), most_overlap=0.4).tolist() == [0, 1]


def test_the_overlap_is_a_share_of_the_hull_and_not_of_the_union():
    # a cross of 100 x 20 and 20 x 100 shares 400 of a union of 3,600 and of a hull of 6,800
    cross = [rectangle(0, 40, 100, 60), rectangle(40, 0, 60, 100)]
    assert distinct_words(cross, np.array([0.9, 0.8]), most_overlap=0.1).tolist() == [0, 1]
    assert distinct_words(cross, np.array([0.9, 0.8]), most_overlap=0.05).tolist() == [0]


def test_at_equal_scores_the_larger_word_is_kept_and_of_copies_the_last():
    assert distinct_words([rectangle(0, 0, 90, 20), WORD], np.ones(2)).tolist() == [1]
    assert distinct_words([WORD, WORD, WORD], np.ones(3)).tolist() == [2]


def test_a_word_that_only_a_dropped_word_overlaps_is_kept():
    row = [WORD, SHIFTED, rectangle(100, 0, 200, 20)]
    assert distinct_words(row, np.array([0.9, 0.8, 0.7])).tolist() == [0, 2]


def test_words_that_cross_themselves_and_no_words_are_no_error():
    crossed = WORD[[0, 2, 1, 3]]
    assert distinct_words([crossed, rectangle(500, 0, 600, 20)], np.ones(2)).tolist() == [0, 1]
    assert distinct_words([], np.zeros(0)).tolist() == []
