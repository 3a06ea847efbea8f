"""ICDAR15: equal texts and searched words, with values worked out by hand."""

import pytest
from scored_files import write_zip

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.protocols import icdar15

BOX = "10,10,50,10,50,30,10,30"
AWAY = "210,10,250,10,250,30,210,30"
BOW_TIE = "10,10,50,30,50,10,10,30"


def score_pair(tmp_path, truth, submission, spotting=False):
    truths = icdar15.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img_1.txt": truth}))
    detections = icdar15.read_detections(write_zip(tmp_path / "sub.zip", {"res_img_1.txt": submission}), truths)
    return icdar15.score(truths, detections, spotting=spotting)


def is_read(tmp_path, truth, reading, spotting=False):
    return score_pair(tmp_path, f"{BOX},{truth}", f"{BOX},{reading}", spotting).scores.recall == 1


@pytest.mark.parametrize("truth", ["Word!", "(word", "(Word)", "word", "'WORD'", "·word/"])
def test_the_true_word_may_lose_a_special_character_at_each_end(tmp_path, truth):
    assert is_read(tmp_path, truth, "word")


@pytest.mark.parametrize(
    ("truth", "reading"), [("Word", "Word!"), ("word!!", "word"), ("((word", "word"), ("word-", "word"), ("w!ord", "word")]
)
def test_the_detection_may_not_lose_one_and_the_word_not_two(tmp_path, truth, reading):
    assert not is_read(tmp_path, truth, reading)


def test_one_of_two_special_characters_may_stay(tmp_path):
    assert is_read(tmp_path, "(word)", "(word")
    assert is_read(tmp_path, "(word)", "WORD)")


def test_an_empty_true_word_is_read_by_an_empty_text_alone(tmp_path):
    """The official ground truth has three empty words. Its script dies if another text meets one."""
    assert is_read(tmp_path, "", "")
    assert not is_read(tmp_path, "", "word")


def test_quotes_around_a_text_are_removed_and_escaped_quotes_stay(tmp_path):
    assert is_read(tmp_path, '"a \\"b\\" c"', 'a "b" c')
    assert not is_read(tmp_path, '"Word', "xWord")


def test_a_quoted_mark_makes_a_word_ignored_too(tmp_path):
    assert score_pair(tmp_path, f'{BOX},"###"', "").counts.words == 0


def test_a_text_may_hold_commas(tmp_path):
    assert is_read(tmp_path, "$8,888", "$8,888")
    assert not is_read(tmp_path, "$8,888", "888")


def test_a_confidence_is_part_of_the_text_and_the_result_says_so(tmp_path):
    result = score_pair(tmp_path, f"{BOX},word", f"{BOX},0.98,word")
    assert result.scores.recall == 0
    assert result.scores.ap is None
    assert "no confidences" in result.notes[0]
    assert not score_pair(tmp_path, f"{BOX},word", f"{BOX},word").notes


def test_short_words_count_end_to_end_but_not_in_word_spotting(tmp_path):
    truth = f"{BOX},ab\n{AWAY},abc"
    assert score_pair(tmp_path, truth, "").counts.words == 2
    assert score_pair(tmp_path, truth, "", spotting=True).counts.words == 1


@pytest.mark.parametrize("word", ["abc", "Abc", "naïve", "a-b-c", "(word)", "Ωμέγα", "[word].", "abc's"])
def test_word_spotting_searches_words_that_a_dictionary_may_hold(word):
    assert icdar15.searched_word(word) is not None


@pytest.mark.parametrize(
    "word", ["ab", "12a", "a1b2c3", "don't", "a.b.c", "two words", "ab's", "-ab-", "東京都", "5×3×2", "x÷y÷z", "###", "", "Ж" * 4]
)
def test_word_spotting_ignores_words_that_no_dictionary_holds(word):
    assert icdar15.searched_word(word) is None


@pytest.mark.parametrize(
    ("word", "searched"), [("Peter's", "Peter"), ("PETER'S", "PETER"), ("-fold-", "fold"), ("(word)", "word"), ('"word"!', "word")]
)
def test_word_spotting_searches_a_word_without_its_ending_and_signs(tmp_path, word, searched):
    assert icdar15.searched_word(word) == searched
    assert is_read(tmp_path, word, searched.lower(), spotting=True)
    if "'" in word:
        assert not is_read(tmp_path, word, word, spotting=True)


def test_a_detection_over_an_ignored_word_does_not_count(tmp_path):
    truth, submission = f"{BOX},ab\n{AWAY},abc", f"{BOX},ab\n{AWAY},abc"
    result = score_pair(tmp_path, truth, submission, spotting=True)
    assert (result.scores.precision, result.scores.recall, result.counts.ignored_detections) == (1, 1, 1)


def test_the_official_ground_truth_begins_with_a_byte_order_mark(tmp_path):
    assert is_read(tmp_path, "word", "word")
    assert score_pair(tmp_path, f"\ufeff{BOX},word\r\n", f"{BOX},word").scores.hmean == 1


def test_files_are_refused_with_their_line(tmp_path):
    with pytest.raises(SubmissionError, match=r"sub.zip/res_img_1.txt:2: y1 is word: it must be a whole number"):
        score_pair(tmp_path, f"{BOX},word", f"{BOX},word\n1,word")
    with pytest.raises(SubmissionError, match="counter-clockwise"):
        score_pair(tmp_path, f"{BOX},word", "10,30,50,30,50,10,10,10,word")
    with pytest.raises(ConfigError, match=r"gt.zip/gt_img_1.txt:1: "):
        score_pair(tmp_path, "1,2,3", "")


def test_images_are_compared_digit_by_digit_and_other_entries_are_refused(tmp_path):
    truths = icdar15.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img_1.txt": "", "readme": ""}))
    for name, message in (("res_img_01.txt", "no gt_img_01.txt"), ("img_1.txt", "'img_1.txt' does not belong")):
        with pytest.raises(SubmissionError, match=message):
            icdar15.read_detections(write_zip(tmp_path / "sub.zip", {name: ""}), truths)
    with pytest.raises(ConfigError, match="no entry called like gt_img_1.txt"):
        icdar15.read_truths(write_zip(tmp_path / "gt.zip", {"readme": ""}))


def test_a_bow_tie_matches_nothing_and_is_refused_over_a_sound_ignored_word(tmp_path):
    assert score_pair(tmp_path, f"{BOX},word", f"{BOW_TIE},word").scores.recall == 0
    with pytest.raises(SubmissionError, match="crosses itself"):
        score_pair(tmp_path, f"{BOX},###", f"{BOW_TIE},word")
    assert score_pair(tmp_path, f"{BOW_TIE},###", f"{BOX},word").counts.detections == 1
