"""The confidence from which readings can be trusted, worked by hand."""

import pytest

from raygroup.reading.thresholds import Threshold, derive_threshold


def test_the_threshold_accepts_as_many_words_as_it_can_with_the_aim_reached():
    # 40 right words above, then 2 wrong ones, then 10 right ones, then 8 wrong: 50 of 52 are right, which is 96 %.
    confidences = [1 - number / 100 for number in range(60)]
    are_right = [True] * 40 + [False] * 2 + [True] * 10 + [False] * 8
    threshold = derive_threshold(confidences, are_right)
    assert threshold.words == 60
    assert threshold.confidence == pytest.approx(1 - 51 / 100)
    # One wrong word more is 50 of 53, 94 %.
    assert threshold.accepted == 52 / 60


def test_words_of_one_confidence_are_accepted_together():
    threshold = derive_threshold([0.9] * 30 + [0.5] * 30, [True] * 30 + [True, False] * 15)
    assert (threshold.confidence, threshold.accepted) == (0.9, 0.5)


def test_too_few_words_give_no_threshold_and_no_mark():
    threshold = derive_threshold([1.0] * 39, [True] * 39)
    assert (threshold.words, threshold.confidence, threshold.accepted) == (39, None, None)
    assert threshold.is_unsure(0.1) is None


def test_where_no_threshold_reaches_the_aim_every_word_is_unsure():
    threshold = derive_threshold([0.9] * 60, [True, False] * 30)
    assert (threshold.confidence, threshold.accepted) == (None, 0.0)
    assert threshold.is_unsure(1.0) is True


def test_a_handful_of_right_words_is_no_evidence():
    assert derive_threshold([1 - number / 100 for number in range(60)], [True] * 18 + [False] * 42).accepted == 0.0
    assert derive_threshold([1 - number / 100 for number in range(60)], [True] * 20 + [False] * 40).accepted == 21 / 60


def test_a_reading_at_the_threshold_is_sure():
    threshold = Threshold(words=60, confidence=0.8, accepted=0.5)
    assert [threshold.is_unsure(value) for value in (0.79, 0.8, 0.81)] == [True, False, False]
