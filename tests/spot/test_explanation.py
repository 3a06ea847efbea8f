"""Every true word and every detection has one outcome, as MLT19's task 4 decides."""

import numpy as np
import pytest

from raygroup.scenes.scene import Problems
from raygroup.scoring.word_columns import Word
from raygroup.spot.explanation import COUNTS, Explanation, explain_words
from raygroup.spot.ground_truth import GroundTruth
from raygroup.spotting.spotter import SpottedWord


def square(left):
    return np.array([[left, 0], [left + 20, 0], [left + 20, 20], [left, 20]], np.float64)


def truth(left, text, task="la"):
    return Word([(x, y) for x, y in square(left).tolist()], text, task)


def spotted(left, text, task="la"):
    return SpottedWord(square(left), 0.9, text, task, task, 0.9, unsure=False)


TRUTHS = (truth(0, "Cafe"), truth(100, "بيت", "ar"), truth(200, "exit"), truth(300, "###"), truth(400, "หก", ""))
WORDS = (spotted(0, "CAFE"), spotted(103, "بنت", "ar"), spotted(301, "xx"), spotted(500, "noise", "hi"))


@pytest.fixture(scope="module")
def explained():
    return explain_words(TRUTHS, WORDS)


def explanation(explained, **changes):
    known = {"words": {}, "unlabelled": (), "without_photograph": {}, "without_polygon": 0, "problems": Problems()}
    return Explanation(explained, GroundTruth(**(known | changes)))


def test_true_words_come_first_and_each_has_its_outcome(explained):
    texts = [(word.outcome, word.truth and word.truth.text, word.word and word.word.text) for word in explained]
    assert texts == [
        ("correct", "Cafe", "CAFE"), ("misread", "بيت", "بنت"), ("missed", "exit", None), ("ignored", "###", None), ("missed", "หก", None),
        ("ignored", None, "xx"), ("false", None, "noise"),
    ]  # fmt: skip


def test_case_does_not_count_but_is_told(explained):
    assert (explained[0].outcome, explained[0].exact) == ("correct", False)


def test_no_word_gets_lost(explained):
    assert sum(word.truth is not None for word in explained) == len(TRUTHS)
    assert sum(word.word is not None for word in explained) == len(WORDS)
    total = explanation({"a": explained}).total()
    assert [total[name] for name in COUNTS] == [1, 1, 2, 1, 1, 1]


def test_a_pair_counts_for_the_true_task_and_a_false_detection_for_the_one_that_read_it(explained):
    counts = explanation({"a": explained}).counts()
    assert [*counts] == ["ar", "hi", "la", "unknown"]
    assert dict(counts["ar"]) == {"misread": 1}
    assert dict(counts["hi"]) == {"false": 1}
    assert dict(counts["unknown"]) == {"missed": 1}


def test_scores_leave_dont_care_words_out(explained):
    # of 4 words one is right, and of 3 detections
    scores = explanation({"a": explained, "b": []}).scores()
    assert (scores.precision, scores.recall) == (pytest.approx(1 / 3), pytest.approx(1 / 4))


def test_a_polygon_is_that_of_the_detection_and_only_a_missed_word_has_its_own(explained):
    assert explained[1].polygon.tolist() == square(103).tolist()
    assert explained[2].polygon.tolist() == square(200).tolist()


def test_a_curved_word_keeps_its_corners():
    corners = [(0.0, 0.0), (20.0, 2.0), (40.0, 0.0), (40.0, 20.0), (20.0, 22.0), (0.0, 20.0)]
    (word,) = explain_words([Word(corners, "curve", "la")], [])
    assert word.polygon.tolist() == [list(corner) for corner in corners]


def test_words_without_an_outcome_are_counted_by_reason(explained):
    left_out = explanation(
        {"a": explained}, words={"a": TRUTHS, "b": TRUTHS[:2]}, without_photograph={"gt_c": 3}, without_polygon=4
    )  # fmt: skip
    assert left_out.words_left_out() == {"without photograph": 3, "photograph not readable": 2, "without polygon": 4}
    assert left_out.truth.num_words == len(TRUTHS) + 2 + 3 + 4


def test_a_photograph_with_neither_words_nor_labels_has_no_outcomes():
    assert explain_words([], []) == []
    assert explanation({"a": []}).scores().hmean == 0


def test_json_has_both_texts_or_null(explained):
    misread, missed, false = (explained[place].to_json() for place in (1, 2, 6))
    assert (misread["truth_text"], misread["text"], misread["truth_task"]) == ("بيت", "بنت", "ar")
    assert (missed["text"], missed["polygon"], missed["truth_polygon"][1]) == (None, None, [220, 0])
    assert (false["truth_text"], false["truth_polygon"]) == (None, None)
