import math
import unicodedata

from hypothesis import given
from hypothesis import strategies as st

from raygroup.scoring.word_accuracy import is_read, one_minus_ned, score_words


def distance(one: str, other: str) -> int:
    """Return the edit distance by Levenshtein's recurrence, row by row."""
    row = list(range(len(other) + 1))
    for i, a in enumerate(one, 1):
        row, previous = [i], row
        for j, b in enumerate(other, 1):
            row.append(min(previous[j] + 1, row[j - 1] + 1, previous[j - 1] + (a != b)))
    return row[-1]


def test_one_wrong_letter_of_four_costs_a_quarter():
    assert one_minus_ned("word", "ward") == 0.75


def test_a_reading_twice_as_long_as_the_truth_scores_half_at_most():
    assert one_minus_ned("ab", "abab") == 0.5


def test_an_empty_reading_scores_0_and_two_empty_texts_score_1():
    assert one_minus_ned("한국", "") == 0
    assert one_minus_ned("", "") == 1


@given(st.text(max_size=8), st.text(max_size=8))
def test_one_minus_ned_is_the_edit_distance_over_the_longer_length(truth, reading):
    expected = 1 - distance(truth, reading) / max(len(truth), len(reading), 1)
    assert math.isclose(one_minus_ned(truth, reading, exact=True), expected)


def test_a_composed_and_a_decomposed_spelling_are_the_same_word_unless_exact():
    composed, decomposed = "é", unicodedata.normalize("NFD", "é")
    assert is_read(composed, decomposed)
    assert one_minus_ned(composed, decomposed) == 1
    assert not is_read(composed, decomposed, exact=True)
    assert one_minus_ned(composed, decomposed, exact=True) == 0


def test_signs_that_no_label_has_cost_nothing_unless_exact():
    typed, read = "क्\u200dष", "क्ष"
    assert is_read(typed, read)
    assert one_minus_ned(typed, read) == 1
    assert not is_read(typed, read, exact=True)
    assert one_minus_ned(typed, read, exact=True) == 0.75
    assert is_read("\ufefb ", "لا")


def test_bengali_vowel_signs_typed_in_two_parts_are_the_composed_ones():
    assert is_read("কো", "কো")


def test_a_hangul_syllable_is_one_character_however_it_is_typed():
    jamo = unicodedata.normalize("NFD", "한국")
    assert len(jamo) == 6
    assert one_minus_ned("한국", jamo) == 1
    assert one_minus_ned("한국", unicodedata.normalize("NFD", "한구")) == 0.5


def test_every_task_counts_the_same_in_the_mean_however_many_words_it_has():
    scores = score_words(["la"] * 3 + ["zh"], ["a", "b", "c", "中"], ["a", "b", "c", "国"])
    assert scores.by_task["la"].accuracy == 1
    assert scores.by_task["zh"].accuracy == 0
    assert scores.mean.accuracy == 0.5
    assert scores.all.accuracy == 0.75


def test_words_without_a_task_have_a_row_for_all():
    scores = score_words([None, None], ["a", "b"], ["a", "x"])
    assert [name for name, _ in scores.rows()] == ["all"]
    assert scores.mean == scores.all
    mixed = score_words([None, "la"], ["a", "b"], ["a", "x"])
    assert {name: score.accuracy for name, score in mixed.rows()} == {"la": 0, "mean": 0, "all": 0.5}


def test_no_words_have_no_score():
    assert math.isnan(score_words([], [], []).mean.accuracy)
