"""MLT19: scores of the official scripts on 60 pairs, and cases by hand that these pairs do not cover."""

import zipfile

import pytest
from plain_mlt19 import average_precision, plain_scores
from scored_files import official_pair, official_pairs, write_zip

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.protocols import mlt19

BOX = "10,10,50,10,50,30,10,30"
AWAY = "210,10,250,10,250,30,210,30"
BOW_TIE = "10,10,50,30,50,10,10,30"


def score_pair(tmp_path, task, truth, submission):
    """Score one pair of files by entry name. A text alone is the file of image 1."""
    named = [
        {name.format("00001"): text} if isinstance(text, str) else text
        for name, text in (("gt_img_{}.txt", truth), ("res_img_{}.txt", submission))
    ]
    truths = mlt19.read_truths(write_zip(tmp_path / "gt.zip", named[0]), task)
    return mlt19.score(truths, mlt19.read_detections(write_zip(tmp_path / "sub.zip", named[1]), truths, task), task)


def is_read(tmp_path, truth, reading):
    """Return whether a detection with this reading is right, upper-cased."""
    return both_ways(tmp_path, truth, reading)[0]


def both_ways(tmp_path, truth, reading):
    """Return whether a detection with this reading is right: upper-cased, and as it is."""
    result = score_pair(tmp_path, 4, f"{BOX},Latin,{truth}", f"{BOX},0.9,{reading}")
    return result.scores.precision == 1, result.case_sensitive.precision == 1


def refusal(tmp_path, task, truth, submission):
    with pytest.raises(SubmissionError) as error:
        score_pair(tmp_path, task, truth, submission)
    assert "\n" not in str(error.value)
    return str(error.value)


@pytest.mark.parametrize("stem", official_pairs())
def test_scores_and_acceptance_are_those_of_the_official_scripts(stem):
    task, truth, submission, expected = official_pair(stem)
    if "rejected" in expected:
        with pytest.raises(ConfigError):
            mlt19.read_detections(submission, mlt19.read_truths(truth, task), task)
        return
    truths = mlt19.read_truths(truth, task)
    result = mlt19.score(truths, mlt19.read_detections(submission, truths, task), task)
    upper, exact = result.scores, result.case_sensitive or result.scores
    numbers = {"precision": exact.precision, "recall": exact.recall, "hmean": exact.hmean, "ned": exact.one_minus_ned}
    numbers |= {"precisionUpper": upper.precision, "recallUpper": upper.recall, "hmeanUpper": upper.hmean, "nedUpper": upper.one_minus_ned}
    assert {key: pytest.approx(value, abs=1e-12) for key, value in expected.items() if key != "AP"} == {
        key: numbers[key] for key in expected if key != "AP"
    }
    worst, best = plain_scores(task, *map(contents, (truth, submission)))["ap"]
    assert worst - 1e-12 <= expected["AP"] <= best + 1e-12
    assert worst - 1e-12 <= upper.ap <= best + 1e-12


def contents(path):
    with zipfile.ZipFile(path) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def test_an_overlap_of_exactly_one_half_is_no_match(tmp_path):
    exactly = "10,10,30,10,30,30,10,30"
    assert score_pair(tmp_path, 1, f"{BOX},Latin,a", f"{exactly},0.9").scores.recall == 0
    assert score_pair(tmp_path, 1, f"{BOX},Latin,a", "10,10,31,10,31,30,10,30,0.9").scores.recall == 1


def test_a_detection_half_in_a_dont_care_word_still_counts_as_false(tmp_path):
    half, more = "30,10,70,10,70,30,30,30", "29,10,69,10,69,30,29,30"
    assert score_pair(tmp_path, 1, f"{BOX},None,###", f"{half},0.9").counts.detections == 1
    assert score_pair(tmp_path, 1, f"{BOX},None,###", f"{more},0.9").counts.detections == 0


def test_two_dont_care_words_do_not_cover_a_detection_together(tmp_path):
    truth = "0,0,30,0,30,20,0,20,None,###\n70,0,100,0,100,20,70,20,None,###"
    result = score_pair(tmp_path, 1, truth, "0,0,100,0,100,20,0,20,0.9")
    assert (result.counts.detections, result.counts.ignored_detections) == (1, 0)


def test_a_wrong_text_blocks_its_word_for_the_right_one_after_it(tmp_path):
    wrong_first = score_pair(tmp_path, 4, f"{BOX},Latin,word", f"{BOX},0.5,ward\n{BOX},0.9,word").scores
    assert (wrong_first.precision, wrong_first.recall) == (0, 0)
    right_first = score_pair(tmp_path, 4, f"{BOX},Latin,word", f"{BOX},0.5,word\n{BOX},0.9,word").scores
    assert (right_first.precision, right_first.recall) == (0.5, 1)


def test_the_first_detection_that_fits_wins_and_not_the_best(tmp_path):
    looser = "10,10,40,10,40,30,10,30"
    assert score_pair(tmp_path, 4, f"{BOX},Latin,a", f"{looser},0.1,b\n{BOX},0.9,a").scores.recall == 0


def test_a_detection_in_an_ignored_region_cannot_find_the_word_that_it_equals(tmp_path):
    truth = f"{BOX},Latin,a\n{AWAY},Latin,b\n0,0,60,0,60,40,0,40,None,###"
    result = score_pair(tmp_path, 4, truth, f"{BOX},0.9,a\n{AWAY},0.9,b")
    assert (result.scores.precision, result.scores.recall) == (1, 0.5)


@pytest.mark.parametrize(
    ("truth", "reading"),
    [("straße", "STRASSE"), ("ıı", "II"), ("ﬁn", "FIN"), ("Σίσυφος", "σίσυφοσ"), ("", "")],
    ids=["sharp s", "dotless i", "ligature", "final sigma", "empty"],
)
def test_upper_casing_makes_these_the_same_word(tmp_path, truth, reading):
    assert is_read(tmp_path, truth, reading)


@pytest.mark.parametrize(
    ("truth", "reading"),
    [
        ("word", " word"), ("word", "word "), ("caf\u00e9", "cafe\u0301"), ("Ａ", "A"), ("مرحبا", "ابحرم"), ("word", '"word"'),
        ("word", "word\u200b"), ("²", "2"), ("İ", "i"), ("word", ""), ("\u09df", "\u09af\u09bc"), ("a,b", "b"),
    ],
    ids=["blank before", "blank after", "decomposed", "full width", "reversed", "quoted", "zero width", "superscript", "dotted i", "empty",
         "nukta", "text from its last comma"],
)  # fmt: skip
def test_nothing_but_case_is_folded(tmp_path, truth, reading):
    assert both_ways(tmp_path, truth, reading) == (False, False)
    assert both_ways(tmp_path, reading, truth) == (False, False)
    assert both_ways(tmp_path, reading, reading) == (True, True)


def test_casefolding_would_make_a_match_that_upper_casing_does_not(tmp_path):
    """U+1E9E, the capital of sharp s, folds to ss but does not change in upper case."""
    assert "\u1e9e".casefold() == "ss"
    assert not is_read(tmp_path, "\u1e9e", "SS")
    assert is_read(tmp_path, "\u1e9e", "\u1e9e")


def test_a_text_may_hold_commas(tmp_path):
    assert is_read(tmp_path, "1,234", "1,234")
    assert not is_read(tmp_path, "1,234", "234")


@pytest.mark.parametrize("text", ["### ", " ###", "####", "＃＃＃", "#"])
def test_only_three_number_signs_and_nothing_else_make_a_word_ignored(tmp_path, text):
    assert score_pair(tmp_path, 4, f"{BOX},None,{text}", f"{BOX},0.9,{text}").counts.words == 1


def test_no_script_makes_a_word_ignored(tmp_path):
    truth = "\n".join(
        f"{10 * n},0,{10 * n + 8},0,{10 * n + 8},8,{10 * n},8,{script},a" for n, script in enumerate(["None", "Mixed", "Symbols"])
    )
    result = score_pair(tmp_path, 4, truth, "")
    assert result.counts.words == 3
    assert list(result.scripts) == ["Mixed", "None", "Symbols"]


def test_upper_casing_may_cost_more_edits_than_a_word_has_letters(tmp_path):
    """ßß becomes SSSS against AB: four edits, divided by the two letters of the longer word."""
    result = score_pair(tmp_path, 4, f"{BOX},Latin,ßß", f"{BOX},0.9,ab")
    assert result.scores.one_minus_ned == 1 - 4 / 2
    assert result.case_sensitive.one_minus_ned == 0


def test_missed_words_and_false_detections_are_a_whole_edit_each(tmp_path):
    """One pair has a share of 1/4, one word is missed and one detection is false: 1 - (1/4 + 2) / 3."""
    truth, submission = f"{BOX},Latin,word\n{AWAY},Latin,lost", f"{BOX},0.9,ward\n400,0,410,0,410,9,400,9,0.8,word"
    assert score_pair(tmp_path, 4, truth, submission).scores.one_minus_ned == pytest.approx(1 - 2.25 / 3)


def test_case_counts_in_the_case_sensitive_scores_alone(tmp_path):
    result = score_pair(tmp_path, 4, f"{BOX},Latin,Word", f"{BOX},0.9,WORD")
    assert (result.scores.hmean, result.case_sensitive.hmean) == (1, 0)
    assert (result.scores.one_minus_ned, result.case_sensitive.one_minus_ned) == (1, 0.25)


def test_average_precision_of_equal_confidences_is_the_mean_over_their_orders(tmp_path):
    """Right first and wrong first are equally likely: (1 + 1/2) / 2."""
    result = score_pair(tmp_path, 1, f"{BOX},Latin,a", f"{AWAY},0.5\n{BOX},0.5")
    assert result.scores.ap == 0.75
    ranked = [(0.5, True), (0.5, False)]
    assert (average_precision(ranked, 1, False), average_precision(ranked, 1, True)) == (0.5, 1)


def test_average_precision_is_not_interpolated(tmp_path):
    """Detections are right, wrong, right, and there are two words: (1/1 + 2/3) / 2."""
    submission = f"{BOX},0.9\n400,0,410,0,410,9,400,9,0.8\n{AWAY},0.7"
    assert score_pair(tmp_path, 1, f"{BOX},Latin,a\n{AWAY},Latin,b", submission).scores.ap == pytest.approx((1 + 2 / 3) / 2)


def test_images_without_a_file_or_without_words_still_count(tmp_path):
    truth = {"gt_img_1.txt": f"{BOX},Latin,a", "gt_img_2.txt": ""}
    result = score_pair(tmp_path, 1, truth, {"res_img_2.txt": f"{BOX},0.9"})
    assert (result.counts.words, result.counts.detections, result.counts.correct) == (1, 1, 0)


def test_the_script_must_be_right_in_task_3(tmp_path):
    truth = f"{BOX},Latin,a\n{AWAY},Bangla,b"
    assert score_pair(tmp_path, 3, truth, f"{BOX},0.9,Arabic\n{AWAY},0.9,Bangla").scores.precision == 0.5


def test_carriage_returns_are_dropped_and_empty_lines_are_skipped(tmp_path):
    result = score_pair(tmp_path, 4, f"\r\n{BOX},Latin,wo\rrd\r\n\n", f"{BOX},0.9,word\r\n\r\n")
    assert result.scores.hmean == 1


def test_bytes_that_are_not_utf_8_become_the_replacement_character(tmp_path):
    truth = {"gt_img_1.txt": f"{BOX},Latin,".encode() + b"a\xff"}
    assert score_pair(tmp_path, 4, truth, {"res_img_1.txt": f"{BOX},0.9,a\ufffd"}).scores.hmean == 1


def test_blanks_may_stand_around_numbers_and_scripts(tmp_path):
    spaced = BOX.replace(",", " ,\t ")
    assert score_pair(tmp_path, 3, f" {spaced} , Latin ,a", f"\u3000{spaced}, 0.9 , Latin ").scores.hmean == 1


@pytest.mark.parametrize("confidence", ["0", "1", "0.", "0.12345", "10", "1e5", "1_5"])
def test_the_official_expression_accepts_these_confidences(tmp_path, confidence):
    assert score_pair(tmp_path, 1, f"{BOX},Latin,a", f"{BOX},{confidence}").scores.recall == 1


@pytest.mark.parametrize("confidence", ["1e-05", ".5", "nan", "-0.1", "2", "0,5", "1x5", "", "inf", "0.5f"])
def test_one_of_these_confidences_refuses_the_whole_submission(tmp_path, confidence):
    message = refusal(tmp_path, 1, f"{BOX},Latin,a", f"{AWAY},0.9\n{BOX},{confidence}")
    assert message.startswith(f"{tmp_path}/sub.zip/res_img_00001.txt:2: confidence is ")
    assert "0.9500" in message


def test_a_whole_confidence_before_a_text_that_begins_with_digits_is_refused(tmp_path):
    assert "'1,25'" in refusal(tmp_path, 4, f"{BOX},Latin,a", f"{BOX},1,25,30")
    assert score_pair(tmp_path, 4, f"{BOX},Latin,25,30", f"{BOX},1.0,25,30").scores.hmean == 1


def test_coordinates_must_be_whole_numbers(tmp_path):
    assert ":1: y2 is 10.0: it must be a whole number" in refusal(tmp_path, 1, f"{BOX},Latin,a", "10,10,50,10.0,50,30,10,30,0.9")


@pytest.mark.parametrize(
    "line", [BOX, f"{BOX},0.9,a", "10,10,50,10,50,30,10,30,5,20,0.9", f"{BOX[:-3]},0.9", "  "],
    ids=["no confidence", "extra column", "five points", "seven numbers", "blanks"],
)  # fmt: skip
def test_a_line_of_another_number_of_fields_is_refused(tmp_path, line):
    assert "res_img_00001.txt:1: " in refusal(tmp_path, 1, f"{BOX},Latin,a", line)


@pytest.mark.parametrize("script", ["Devanagari", "Bengali", "Symbol", "latin", ""])
def test_scripts_must_have_the_names_of_the_ground_truth(tmp_path, script):
    assert "Bangla, Hindi, Symbols" in refusal(tmp_path, 3, f"{BOX},Latin,a", f"{BOX},0.9,{script}")


def test_counter_clockwise_points_are_refused_in_tasks_3_and_4_and_pass_in_1(tmp_path):
    turned = "10,30,50,30,50,10,10,10"
    assert "counter-clockwise" in refusal(tmp_path, 4, f"{BOX},Latin,a", f"{turned},0.9,a")
    assert "counter-clockwise" in refusal(tmp_path, 3, f"{BOX},Latin,a", f"{turned},0.9,Latin")
    assert score_pair(tmp_path, 1, f"{turned},Latin,a", f"{turned},0.9").scores.hmean == 1
    with pytest.raises(ConfigError, match=r"gt.zip/gt_img_00001.txt:1: .*counter-clockwise"):
        score_pair(tmp_path, 4, f"{turned},Latin,a", "")


@pytest.mark.parametrize(
    "name", ["readme.txt", "__MACOSX/res_img_00001.txt", "sub/res_img_00001.txt", "../res_img_00001.txt", "/res_img_1.txt", "sub/"]
)
def test_one_entry_of_another_name_refuses_the_submission(tmp_path, name):
    message = refusal(tmp_path, 1, f"{BOX},Latin,a", {"res_img_00001.txt": f"{BOX},0.9", name: ""})
    assert repr(name) in message
    assert "res_img_00001.txt" in message


def test_other_entries_of_the_ground_truth_are_skipped(tmp_path):
    truth = {"readme.txt": "x", "gt_img_00001.txt": f"{BOX},Latin,a", "more/gt_img_00002.txt": f"{BOX},Latin,a"}
    assert score_pair(tmp_path, 1, truth, f"{BOX},0.9").counts.images == 1


def test_only_the_start_of_a_name_matters_and_of_two_with_one_number_the_later_counts(tmp_path):
    submission = {"res_img_00001.txt": f"{BOX},0.9", "res_img_00001xtxt.old": f"{AWAY},0.9"}
    assert score_pair(tmp_path, 1, f"{BOX},Latin,a", submission).scores.recall == 0


def test_images_are_compared_digit_by_digit(tmp_path):
    assert "no gt_img_1.txt" in refusal(tmp_path, 1, f"{BOX},Latin,a", {"res_img_1.txt": f"{BOX},0.9"})
    truth = {"gt_img_1.txt": f"{BOX},Latin,a", "gt_img_00001.txt": f"{AWAY},Latin,a"}
    assert score_pair(tmp_path, 1, truth, {"res_img_1.txt": f"{AWAY},0.9", "res_img_00001.txt": f"{AWAY},0.9"}).scores.recall == 0.5


def test_a_byte_order_mark_is_refused_on_either_side(tmp_path):
    assert "byte-order mark" in refusal(tmp_path, 4, f"{BOX},Latin,a", f"\ufeff{BOX},0.9,a")
    with pytest.raises(ConfigError, match=r"gt.zip/gt_img_00001.txt:1: .*byte-order mark"):
        score_pair(tmp_path, 4, f"\ufeff{BOX},Latin,a", "")


def test_two_polygons_without_area_never_match_and_end_tasks_1_and_3(tmp_path):
    line = "10,10,50,10,50,10,10,10"
    assert score_pair(tmp_path, 4, f"{line},Latin,a", f"{line},0.9,a").scores.recall == 0
    for task, rest in ((1, "0.9"), (3, "0.9,Latin")):
        assert "no area" in refusal(tmp_path, task, f"{line},Latin,a", f"{line},{rest}")
        assert "no area" in refusal(tmp_path, task, f"{line},None,###", f"400,0,400,0,400,0,400,0,{rest}")


def test_a_bow_tie_matches_nothing_and_is_refused_where_the_official_script_dies(tmp_path):
    assert score_pair(tmp_path, 4, f"{BOX},Latin,a", f"{BOW_TIE},0.9,a").scores.recall == 0
    assert "crosses itself" in refusal(tmp_path, 4, f"{BOX},None,###", f"{BOW_TIE},0.9,a")
    assert "crosses itself" in refusal(tmp_path, 3, f"{BOX},Latin,a", f"{BOW_TIE},0.9,Latin")
    assert score_pair(tmp_path, 1, f"{BOX},None,###\n{AWAY},Latin,a", f"{BOW_TIE},0.9").counts.detections == 1


def test_a_true_word_that_crosses_itself_covers_nothing_and_matches_nothing(tmp_path):
    """The official validation split has such a word, in gt_img_01436."""
    crossed = "1905,16,1905,14,1866,29,1863,13"
    over = "1863,13,1905,13,1905,29,1863,29"
    assert score_pair(tmp_path, 4, f"{crossed},Latin,a", f"{over},0.9,a").scores.recall == 0
    assert score_pair(tmp_path, 4, f"{crossed},None,###", f"{over},0.9,a").counts.detections == 1


def test_coordinates_beyond_32_bits_are_refused(tmp_path):
    assert "32 bits" in refusal(tmp_path, 1, f"{BOX},Latin,a", f"{BOX[:-2]}{2**31},0.9")
    assert "32 bits" in refusal(tmp_path, 1, f"{BOX},Latin,a", f"{BOX[:-2]}{'9' * 5000},0.9")


def test_an_archive_that_would_grow_without_bounds_is_refused(tmp_path):
    with zipfile.ZipFile(tmp_path / "sub.zip", "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("res_img_00001.txt", b"\n" * (17 << 20))
    truths = mlt19.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img_00001.txt": ""}), 1)
    with pytest.raises(SubmissionError, match="unpacks to 17825792 bytes"):
        mlt19.read_detections(tmp_path / "sub.zip", truths, 1)


def test_a_broken_zip_and_a_missing_zip_are_named(tmp_path):
    (tmp_path / "sub.zip").write_bytes(b"no zip")
    truths = mlt19.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img_00001.txt": ""}), 1)
    with pytest.raises(SubmissionError, match="sub.zip: not a readable zip"):
        mlt19.read_detections(tmp_path / "sub.zip", truths, 1)
    with pytest.raises(ConfigError, match="none.zip: not a readable zip"):
        mlt19.read_truths(tmp_path / "none.zip", 1)


def test_a_zip_whose_content_is_damaged_is_named_with_the_entry(tmp_path):
    write_zip(tmp_path / "sub.zip", {"res_img_00001.txt": f"{BOX},0.9"})
    whole = (tmp_path / "sub.zip").read_bytes()
    (tmp_path / "sub.zip").write_bytes(whole.replace(b"50,30", b"60,30"))
    truths = mlt19.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img_00001.txt": ""}), 1)
    with pytest.raises(SubmissionError, match="sub.zip/res_img_00001.txt: not readable"):
        mlt19.read_detections(tmp_path / "sub.zip", truths, 1)


def test_blocks_do_not_change_the_words_or_the_lines_in_messages(tmp_path, monkeypatch):
    monkeypatch.setattr("raygroup.scoring.line_files._ROWS_AT_A_TIME", 3)
    lines = [f"{BOX.replace('10,10,', f'{place},10,', 1)},Latin,{place}" for place in range(2)]
    truth = {f"gt_img_{image}.txt": "\n".join(lines) for image in range(7)}
    submission = {f"res_img_{image}.txt": "\n".join(line.replace("Latin", "0.5") for line in lines) for image in range(7)}
    result = score_pair(tmp_path, 4, truth, submission)
    assert (result.counts.words, result.counts.found) == (14, 14)
    assert result.truths.image.tolist() == [image for image in range(7) for _ in range(2)]
    message = refusal(tmp_path, 4, truth, {**submission, "res_img_5.txt": f"{BOX},0.5,a\n{BOX},1,2,3"})
    assert "res_img_5.txt:2: confidence is '1,2'" in message


def test_a_folder_is_read_like_a_zip(tmp_path):
    for name, text in (("gt/gt_img_1.txt", f"{BOX},Latin,a"), ("sub/res_img_1.txt", f"{BOX},0.9")):
        (tmp_path / name).parent.mkdir()
        (tmp_path / name).write_text(text)
    truths = mlt19.read_truths(tmp_path / "gt", 1)
    assert mlt19.score(truths, mlt19.read_detections(tmp_path / "sub", truths, 1), 1).scores.hmean == 1
    (tmp_path / "sub" / "deeper").mkdir()
    with pytest.raises(SubmissionError, match="'deeper/'"):
        mlt19.read_detections(tmp_path / "sub", truths, 1)


def test_a_ground_truth_without_files_of_its_name_is_refused(tmp_path):
    with pytest.raises(ConfigError, match=r"no entry called like gt_img_00001.txt"):
        mlt19.read_truths(write_zip(tmp_path / "gt.zip", {"img_1.txt": ""}), 4)
