"""The curve over confidences, the outcomes of words, and lexicons, with values worked out by hand."""

import json

import pyarrow.parquet as pq
import pytest

from raygroup.errors import ConfigError
from raygroup.scoring.curve import curve, write_curve
from raygroup.scoring.lexicons import Lexicon, apply_lexicon, read_lexicon
from raygroup.scoring.protocols import icdar15, mlt19
from raygroup.scoring.word_columns import Word, detection_columns, truth_columns
from raygroup.scoring.word_outcomes import SCHEMA, write_outcomes


def box(place):
    left = 100 * place
    return [(left, 0), (left + 40, 0), (left + 40, 20), (left, 20)]


def task_4(words, detections):
    """Score words (place, text) and detections (place, text, confidence)."""
    truth = truth_columns({"1": [Word(box(place), text, "Latin") for place, text in words]})
    detected = [Word(box(place), text, confidence=confidence) for place, text, confidence in detections]
    return mlt19.score(truth, detection_columns({"1": detected}, truth), 4)


def test_the_best_threshold_leaves_the_unsure_mistakes_out():
    """Two of three words are right at 0.9 and 0.8, and one detection is false at 0.3: P, R = 1, 1/3; 1, 2/3; 2/3, 2/3."""
    points = curve(task_4([(0, "a"), (1, "b"), (2, "c")], [(0, "a", 0.9), (1, "b", 0.8), (5, "x", 0.3)]))
    assert points.threshold.tolist() == [0.9, 0.8, 0.3]
    assert points.precision.tolist() == [1, 1, 2 / 3]
    assert points.recall.tolist() == [1 / 3, 2 / 3, 2 / 3]
    assert points.best == 1
    assert points.hmean[1] == pytest.approx(0.8)


def test_a_wrong_reading_that_comes_first_spoils_its_word_once_it_is_handed_in():
    result = task_4([(0, "word")], [(0, "ward", 0.2), (0, "word", 0.9)])
    assert result.scores.recall == 0
    points = curve(result)
    assert points.recall.tolist() == [1, 0]
    assert points.precision.tolist() == [1, 0]


def test_without_detections_the_curve_is_empty():
    assert len(curve(task_4([(0, "a")], [])).threshold) == 0


def test_a_protocol_without_confidences_has_no_curve():
    truth = truth_columns({"1": [Word(box(0), "word")]})
    result = icdar15.score(truth, truth, spotting=False)
    with pytest.raises(ConfigError, match="icdar15-e2e has no confidences"):
        curve(result)


def test_the_curve_is_written_as_csv(tmp_path):
    write_curve(curve(task_4([(0, "a")], [(0, "a", 0.9)])), tmp_path / "curve.csv")
    assert (tmp_path / "curve.csv").read_text() == "threshold,precision,recall,hmean\n0.9,1,1,1\n"


WORDS = [(0, "Right"), (1, "read"), (2, "lost"), (3, "###")]
FOUND = [(0, "RIGHT", 0.9), (1, "reed", 0.8), (3, "junk", 0.7), (7, "dust", 0.6)]


@pytest.mark.parametrize("suffix", ["parquet", "jsonl"])
def test_every_word_is_written_with_its_outcome(tmp_path, suffix):
    path = tmp_path / f"words.{suffix}"
    write_outcomes(task_4(WORDS, FOUND), path)
    rows = pq.read_table(path).to_pylist() if suffix == "parquet" else [json.loads(line) for line in path.read_text().splitlines()]
    assert [(row["outcome"], row["truth_text"], row["text"], row["confidence"], row["case_sensitive"]) for row in rows] == [
        ("correct", "Right", "RIGHT", 0.9, False),
        ("misread", "read", "reed", 0.8, False),
        ("missed", "lost", None, None, None),
        ("ignored", "###", None, None, None),
        ("ignored", None, "junk", 0.7, None),
        ("false", None, "dust", 0.6, None),
    ]
    assert rows[0]["truth_polygon"] == [list(point) for point in box(0)]
    assert rows[-1]["polygon"] == [list(point) for point in box(7)]
    assert rows[0]["truth_script"] == "Latin"
    assert set(rows[0]) == set(SCHEMA.names)


def test_details_are_parquet_or_json_lines(tmp_path):
    with pytest.raises(ConfigError, match=r"must end in .parquet or .jsonl"):
        write_outcomes(task_4(WORDS, FOUND), tmp_path / "words.csv")


def test_found_words_are_read_with_and_without_normalisation():
    """A precomposed nukta letter is the same label as its two code points, but not the same text."""
    result = task_4([(0, "\u09df"), (1, "a")], [(0, "\u09af\u09bc", 0.9), (1, "a", 0.9)])
    assert result.scores.precision == 0.5
    assert result.reading["normalised"].all.accuracy == 1
    assert (result.reading["exact"].all.accuracy, result.reading["exact"].all.one_minus_ned) == (0.5, 0.5)


def test_words_are_counted_by_the_script_of_the_truth():
    words = [Word(box(0), "a", "Latin"), Word(box(1), "b", "Latin"), Word(box(2), "হ", "Bangla")]
    truth = truth_columns({"1": words})
    result = mlt19.score(truth, detection_columns({"1": [Word(box(0), "a"), Word(box(1), "x"), Word(box(9), "y")]}, truth), 4)
    latin, bangla = result.scripts["Latin"], result.scripts["Bangla"]
    assert (latin.words, latin.found, latin.correct, latin.recall, latin.found_correct) == (2, 2, 1, 0.5, 0.5)
    assert (bangla.words, bangla.found, bangla.recall) == (1, 0, 0)


def test_detections_built_in_memory_must_belong_to_images_of_the_ground_truth():
    with pytest.raises(ConfigError, match="image '2' is not among the 1"):
        detection_columns({"2": []}, truth_columns({"1": []}))


def texts_after(lexicon, texts, **limits):
    truth = truth_columns({"1": []})
    return list(
        apply_lexicon(detection_columns({"1": [Word(box(n), text) for n, text in enumerate(texts)]}, truth), lexicon, **limits).texts
    )


def test_a_text_becomes_the_nearest_word_or_is_dropped_if_none_is_near():
    lexicon = Lexicon(shared=("Castle", "Cattle", "Road"))
    assert texts_after(lexicon, ["castlE", "CASTLES", "Rxxd", "roads"]) == ["Castle", "Castle", "Road"]
    assert texts_after(lexicon, ["Rxxd"], max_edits=None) == ["Road"]
    assert texts_after(lexicon, ["castles"], max_edits=0) == []


def test_of_equally_near_words_the_first_in_the_list_wins():
    assert texts_after(Lexicon(shared=("bat", "cat")), ["rat"]) == ["bat"]
    assert texts_after(Lexicon(shared=("cat", "bat")), ["rat"]) == ["cat"]


def test_polygons_stay_with_their_texts_when_others_are_dropped():
    truth = truth_columns({"1": [Word(box(1), "road")]})
    detections = apply_lexicon(detection_columns({"1": [Word(box(0), "xxxxxx"), Word(box(1), "rood")]}, truth), Lexicon(shared=("road",)))
    assert mlt19.score(truth, detections, 4).scores.hmean == 1


def test_a_folder_has_one_list_for_every_image(tmp_path):
    (tmp_path / "voc_img_1.txt").write_text("\ufeffone\r\n\r\n")
    (tmp_path / "pair_voc_img_1.txt").write_text("ONE one")
    lexicon = read_lexicon(tmp_path, ["1"])
    assert lexicon.of("1") == ("one",)
    with pytest.raises(ConfigError, match="no list for image 2"):
        read_lexicon(tmp_path, ["1", "2"])
    (tmp_path / "new_voc_img_1.txt").write_text("two")
    with pytest.raises(ConfigError, match="are both for image 1"):
        read_lexicon(tmp_path, ["1"])


def test_a_lexicon_that_cannot_be_read_is_named(tmp_path):
    with pytest.raises(ConfigError, match="none.txt: not a readable lexicon"):
        read_lexicon(tmp_path / "none.txt", ["1"])
    (tmp_path / "latin1.txt").write_bytes(b"caf\xe9")
    with pytest.raises(ConfigError, match="latin1.txt: not a readable lexicon"):
        read_lexicon(tmp_path / "latin1.txt", ["1"])
