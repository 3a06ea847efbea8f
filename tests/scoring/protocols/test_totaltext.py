"""Total-Text: two lines a word, curved polygons and DetEval's shares of area, worked out by hand."""

import struct

import numpy as np
import pytest
from scipy.io import savemat
from scored_files import write_zip

from raygroup.errors import ConfigError, SubmissionError
from raygroup.scoring.protocols import deteval, deteval_files, totaltext

CURVED = "0,10,20,0,40,10,40,30,20,20,0,30"
LONG = (0, 0, 100, 20)


def score_pair(tmp_path, truth, submission, spotting=False):
    truths = totaltext.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img1.txt": truth}))
    detections = totaltext.read_detections(write_zip(tmp_path / "sub.zip", {"res_img1.txt": submission}), truths)
    return totaltext.score(truths, detections, spotting=spotting)


def test_a_curved_word_is_found_by_its_polygon_and_not_by_a_box_around_it(tmp_path):
    assert score_pair(tmp_path, f"{CURVED},word", f"{CURVED}\nword\n").scores.hmean == 1
    assert score_pair(tmp_path, f"{CURVED},word", "0,0,40,0,40,60,0,60\nword\n").scores.recall == 0


def test_texts_are_compared_as_in_icdar15(tmp_path):
    assert score_pair(tmp_path, f"{CURVED},(Word)", f"{CURVED}\nword\n").scores.hmean == 1
    assert score_pair(tmp_path, f"{CURVED},ab", f"{CURVED}\nab\n", spotting=True).counts.words == 0
    assert score_pair(tmp_path, f"{CURVED},###", f"{CURVED}\nword\n").counts.detections == 0


def test_a_text_on_the_line_of_its_polygon_is_not_read(tmp_path):
    """The official script silently takes the next polygon for the text."""
    assert score_pair(tmp_path, f"{CURVED},word", f"{CURVED},word\n{CURVED},word\n").scores.recall == 0
    assert score_pair(tmp_path, f"{CURVED},word", f"{CURVED},nothing\nword\n").scores.recall == 1


def test_blanks_around_a_text_are_dropped_and_an_empty_line_is_an_empty_text(tmp_path):
    assert score_pair(tmp_path, f"{CURVED},word", f"{CURVED}\n  word \r\n").scores.hmean == 1
    assert score_pair(tmp_path, f"{CURVED},", f"{CURVED}\n\n").scores.hmean == 1


def test_a_last_polygon_without_a_text_line_is_skipped(tmp_path):
    assert score_pair(tmp_path, f"{CURVED},word", f"{CURVED}\nword\n{CURVED}").counts.detections == 1
    assert score_pair(tmp_path, f"{CURVED},word", f"{CURVED}\nword\n\n\n\n").counts.detections == 1


def test_points_may_run_either_way_and_fractions_are_cut_off(tmp_path):
    turned = "0,30,20,20,40,30,40,10,20,0,0,10.9"
    assert score_pair(tmp_path, f"{CURVED},word", f"{turned}\nword\n").scores.hmean == 1


@pytest.mark.parametrize(
    ("submission", "message"),
    [
        ("1,2,3,4\nword", ":1: 2 points: a polygon has at least 3"),
        ("1,2,3,4,5,x,7,8\nword", ":1: coordinate is x: it must be a number"),
        ("1,2,3,4,5,nan\nword", "coordinate is nan"),
        ("1,2,3,4,5,99999999999\nword", "out of range"),
        (f"{CURVED}\na,b,c\n", ":2: text is a,b,c: the official script takes no text with two commas"),
    ],
)
def test_the_message_names_lines_that_the_official_script_cannot_read(tmp_path, submission, message):
    with pytest.raises(SubmissionError, match=message):
        score_pair(tmp_path, f"{CURVED},word", submission)


def test_a_true_text_is_everything_after_the_last_comma(tmp_path):
    assert score_pair(tmp_path, f"{CURVED},a,word", f"{CURVED}\nword\n").scores.hmean == 1
    with pytest.raises(ConfigError, match="gt.zip/gt_img1.txt:1: coordinate is a"):
        score_pair(tmp_path, f"{CURVED},a,b,word", "")


def test_names_have_no_underscore_before_the_number(tmp_path):
    with pytest.raises(ConfigError, match="no entry called like gt_img1.txt"):
        totaltext.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img_1.txt": ""}))
    truths = totaltext.read_truths(write_zip(tmp_path / "gt.zip", {"gt_img1.txt": ""}))
    with pytest.raises(SubmissionError, match="no gt_img2.txt"):
        totaltext.read_detections(write_zip(tmp_path / "sub.zip", {"res_img2.txt": ""}), truths)


def score_by_deteval(tmp_path, words, submission, answered=("1",)):
    """Score words (left, top, right, bottom) or (..., orientation), and detections of the same form."""
    (tmp_path / "gt").mkdir(exist_ok=True)
    (tmp_path / "sub").mkdir(exist_ok=True)
    for image in ("1", "2"):
        table = np.empty((len(words), 6), object)
        for row, (left, top, right, bottom, *orientation) in enumerate(words):
            x, y = np.array([[left, right, right, left]]), np.array([[top, top, bottom, bottom]])
            for column, cell in enumerate(["x:", x, "y:", y, "word", (orientation or ["h"])[0]]):
                table[row, column] = cell
        savemat(tmp_path / "gt" / f"poly_gt_img{image}.mat", {"polygt": table})
    for image in answered:
        lines = [f"{top},{left},{top},{right},{bottom},{right},{bottom},{left}" for left, top, right, bottom in submission]
        (tmp_path / "sub" / f"img{image}.txt").write_text("\n".join(lines) + "\n")
    truths = deteval_files.read_truths(tmp_path / "gt")
    return deteval.score(truths, deteval_files.read_detections(tmp_path / "sub", truths))


def nested_cells(depth):
    """Return a .mat file whose array ``polygt`` is cells within cells."""

    def element(kind, body):
        return struct.pack("<II", kind, len(body)) + body + bytes(-len(body) % 8)

    head = element(6, struct.pack("<II", 1, 0)) + element(5, struct.pack("<ii", 1, 1))
    sizes = [len(head) + 8]
    for level in range(depth):
        sizes.append(sizes[-1] + 8 + len(head) + (16 if level == depth - 1 else 8))
    names = [element(1, b"polygt")] + [element(1, b"")] * depth
    arrays = b"".join(struct.pack("<II", 14, size) + head + name for size, name in zip(reversed(sizes), names, strict=True))
    return b"MATLAB 5.0 MAT-file".ljust(124) + struct.pack("<H", 0x0100) + b"IM" + arrays


@pytest.mark.parametrize("depth", [5, 3_000, 20_000])
def test_cells_that_are_nested_too_deep_are_refused_by_name(tmp_path, depth):
    gt = write_zip(tmp_path / "gt.zip", {"poly_gt_img1.mat": nested_cells(depth)})
    with pytest.raises(ConfigError, match=r"gt\.zip/poly_gt_img1\.mat: not ground truth of Total-Text .* too deep in cells"):
        deteval_files.read_truths(gt)


def numbers(result):
    return pytest.approx((result.scores.precision, result.scores.recall, result.scores.hmean))


def test_a_detection_that_is_the_word_has_full_credit(tmp_path):
    assert numbers(score_by_deteval(tmp_path, [LONG], [LONG])) == (1, 1, 1)


def test_a_word_in_two_parts_has_four_fifths_of_the_credit(tmp_path):
    """Both parts are right, so precision is 2 x 0.8 / 2. The word is found, so recall is 0.8."""
    assert numbers(score_by_deteval(tmp_path, [LONG], [(0, 0, 50, 20), (50, 0, 100, 20)])) == (0.8, 0.8, 0.8)


def test_a_detection_of_two_words_has_four_fifths_of_the_credit(tmp_path):
    assert numbers(score_by_deteval(tmp_path, [(0, 0, 50, 20), (50, 0, 100, 20)], [LONG])) == (0.8, 0.8, 0.8)


def test_seven_tenths_of_a_word_are_too_few_alone(tmp_path):
    """A single detection must recall more than 0.7, rounded to two digits."""
    assert score_by_deteval(tmp_path, [LONG], [(0, 0, 70, 20)]).scores.recall == 0
    assert score_by_deteval(tmp_path, [LONG], [(0, 0, 71, 20)]).scores.recall == 1


def test_a_detection_must_be_precise_to_more_than_three_fifths(tmp_path):
    assert score_by_deteval(tmp_path, [(0, 0, 60, 20)], [LONG]).scores.recall == 0
    assert score_by_deteval(tmp_path, [(0, 0, 61, 20)], [LONG]).scores.recall == 1


def test_a_detection_over_a_dont_care_word_does_not_count(tmp_path):
    result = score_by_deteval(tmp_path, [LONG, (0, 100, 100, 120, "#")], [LONG, (0, 100, 90, 120)])
    assert numbers(result) == (1, 1, 1)
    assert (result.counts.ignored_words, result.counts.ignored_detections) == (3, 1)


def test_half_of_a_detection_over_a_dont_care_word_is_not_enough(tmp_path):
    """The share is of the detection's area plus one pixel: 1200 / 2001 is more than half, 1000 / 2001 is not."""
    over = (0, 100, 100, 120, "#")
    assert score_by_deteval(tmp_path, [LONG, over], [LONG, (40, 100, 140, 120)]).counts.ignored_detections == 1
    assert score_by_deteval(tmp_path, [LONG, over], [LONG, (50, 100, 150, 120)]).counts.ignored_detections == 0


def test_images_without_a_file_of_detections_are_left_out_with_a_note(tmp_path):
    one = score_by_deteval(tmp_path, [LONG], [LONG])
    assert one.scores.recall == 1
    assert one.notes == ("1 images of the ground truth have no file of detections: DetEval leaves them out",)
    assert not score_by_deteval(tmp_path, [LONG], [LONG], answered=("1", "2")).notes


def test_files_of_deteval_are_refused_with_their_line(tmp_path):
    score_by_deteval(tmp_path, [LONG], [LONG])
    truths = deteval_files.read_truths(tmp_path / "gt")
    for text, message in (("1,2,3,4,5\n", "img1.txt:1: 5 numbers"), ("1,2,3,4,5,x", "coordinate is x"), ("1,2,3,4", "2 points")):
        with pytest.raises(SubmissionError, match=message):
            deteval_files.read_detections(write_zip(tmp_path / "sub.zip", {"img1.txt": text}), truths)
    with pytest.raises(SubmissionError, match="no poly_gt_img3.mat"):
        deteval_files.read_detections(write_zip(tmp_path / "sub.zip", {"img3.txt": ""}), truths)
    for content in (b"MATLAB", b"", b"x" * 300):
        with pytest.raises(ConfigError, match="poly_gt_img1.mat: not ground truth of Total-Text"):
            deteval_files.read_truths(write_zip(tmp_path / "bad.zip", {"poly_gt_img1.mat": content}))
