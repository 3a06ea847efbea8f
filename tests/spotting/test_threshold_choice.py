"""Thresholds have the highest H on the scenes that choose them."""

import numpy as np
import pytest

from raygroup.scoring.word_columns import Word
from raygroup.spotting.spotter import SpottedWord, SpottingThresholds
from raygroup.spotting.threshold_choice import LabelledScene, choose_thresholds, score_scenes


def square(left):
    return np.array([[left, 0], [left + 20, 0], [left + 20, 20], [left, 20]], np.float64)


def truth(left, text="ab"):
    return Word([(x, y) for x, y in square(left).tolist()], text, "la")


def spotted(left, detection, confidence, text="ab", task="la"):
    return SpottedWord(square(left), detection, text, task, "la", confidence, unsure=False)


SCENES = [
    LabelledScene("1", (truth(0), truth(50)), (spotted(0, 0.95, 0.9), spotted(50, 0.9, 0.8), spotted(200, 0.5, 0.9))),
    LabelledScene("2", (truth(0),), (spotted(0, 0.85, 0.2, text="xy"), spotted(300, 0.4, 0.1))),
]


def test_the_threshold_on_regions_drops_what_is_no_word():
    chosen = choose_thresholds(SCENES, "scenes of a test")["detection"]
    assert chosen.detection == pytest.approx(0.85)
    assert score_scenes(SCENES, 1, chosen).scores.hmean == 1
    assert chosen.chosen_on == "scenes of a test"


def test_the_threshold_on_readings_drops_what_is_read_wrongly():
    chosen = choose_thresholds(SCENES, "scenes")["end-to-end"]
    assert 0.2 < chosen.reading <= 0.8
    scores = score_scenes(SCENES, 4, chosen).scores
    assert (scores.precision, scores.recall) == (1, pytest.approx(2 / 3))


def test_the_language_counts_in_task_3():
    wrong = [LabelledScene("1", (truth(0),), (spotted(0, 0.9, 0.9, task="ar"),))]
    assert score_scenes(wrong, 1, SpottingThresholds()).scores.hmean == 1
    assert score_scenes(wrong, 3, SpottingThresholds()).scores.hmean == 0


def test_scenes_without_any_detection_choose_nothing():
    chosen = choose_thresholds([LabelledScene("1", (truth(0),), ())], "scenes")
    assert chosen["detection"].detection == 0
    assert chosen["end-to-end"].reading == 0
