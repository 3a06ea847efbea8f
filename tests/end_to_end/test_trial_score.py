"""A trial's end-to-end score, worked by hand on two scenes that choose thresholds and two that score."""

import numpy as np
import pytest

from raygroup.end_to_end.score_interval import counts_by_image, hmean_interval
from raygroup.end_to_end.trial_score import score_readings
from raygroup.scoring.word_columns import Word
from raygroup.spotting.spotter import SpottedWord, SpottingThresholds
from raygroup.spotting.threshold_choice import SubmittedScene, score_scenes


def square(left):
    return np.array([[left, 0], [left + 20, 0], [left + 20, 20], [left, 20]], np.float64)


def truth(left, text="ab", task="la"):
    return Word([(x, y) for x, y in square(left).tolist()], text, task)


def spotted(left, detection, confidence, text="ab", task="la"):
    return SpottedWord(square(left), detection, text, task, task, confidence, unsure=False)


CHOOSING = (
    SubmittedScene("1", (truth(0), truth(50)), (spotted(0, 0.9, 0.9), spotted(50, 0.9, 0.8))),
    SubmittedScene("2", (truth(0),), (spotted(0, 0.9, 0.2, text="xy"), spotted(200, 0.5, 0.1))),
)
"""Readings of 0.8 and more are right. A region of 0.5 is no word."""
SCORING = (
    SubmittedScene("3", (truth(0), truth(50, "AB"), truth(100, "cd", "ar")), (spotted(0, 0.9, 0.85), spotted(50, 0.9, 0.95))),
    SubmittedScene("4", (truth(0, "ab"), truth(50, "###")), (spotted(0, 0.9, 0.1), spotted(50, 0.9, 0.9), spotted(300, 0.9, 0.9))),
)
"""Of four words two are read right with confidence, one right without, and one is missed. One detection is false."""


@pytest.fixture(scope="module")
def score():
    return score_readings(CHOOSING, SCORING, "scenes", "abAB")


def test_thresholds_come_from_scenes_that_do_not_score(score):
    assert score.thresholds["detection"].detection == pytest.approx(0.9)
    assert 0.2 < score.thresholds["end-to-end"].reading <= 0.8
    # the reading of 0.1 is right, so a choice on the scenes that score would have kept it
    assert score_scenes(SCORING, 4, SpottingThresholds()).scores.recall == 3 / 4
    assert score.task4.scores.recall == 2 / 4


def test_precision_counts_detections_over_dont_care_words_for_nothing(score):
    # kept are two right words, one over a don't-care word, and a false one
    assert score.task4.scores.precision == pytest.approx(2 / 3)
    assert score.to_json()["f"] == pytest.approx(4 / 7)


def test_detection_is_scored_with_thresholds_of_its_own(score):
    # all four detections that count are kept: three words are found, and one is no word
    assert score.to_json()["task1"] == {"precision": 3 / 4, "recall": 3 / 4, "f": 3 / 4}


def test_recall_is_told_by_task(score):
    assert score.to_json()["by_task"] == {"ar": {"words": 1, "recall": 0}, "la": {"words": 3, "recall": 2 / 3}}


def test_words_that_no_head_can_spell_are_counted(score):
    values = score.to_json()
    assert (values["images"], values["words"], values["spellable_words"]) == (2, 4, 3)
    assert values["thresholds"]["images"] == 2


def test_counts_of_an_image_are_words_read_right_words_and_detections(score):
    assert counts_by_image(score.task4).tolist() == [[2, 3, 2], [0, 1, 1]]


def test_images_that_score_alike_leave_no_interval():
    alike = [SubmittedScene(str(number), (truth(0), truth(50)), (spotted(0, 0.9, 0.9),)) for number in range(5)]
    # one of two words, and one of one detection: 2 * 5 / (10 + 5)
    assert hmean_interval(score_scenes(alike, 4, SpottingThresholds())) == pytest.approx((2 / 3, 2 / 3))


def test_the_interval_spans_what_two_images_can_give(score):
    # both draws of image 3 give 2 * 4 / (6 + 4), both of image 4 give 0
    assert hmean_interval(score.task4) == pytest.approx((0, 4 / 5))
