"""Files that the official scripts read otherwise than meant get a note, and the score stays official."""

import os

import pytest
from scored_files import write_zip

from raygroup.errors import ConfigError, SubmissionError
from raygroup.evaluate import evaluate

BOX = "0,0,100,0,100,20,0,20"


def score(tmp_path, protocol, truth, submission):
    names = {"icdar15-e2e": ("gt_img_1.txt", "res_img_1.txt"), "mlt19-task4": ("gt_img_00001.txt", "res_img_00001.txt"),
             "totaltext-e2e": ("gt_img1.txt", "res_img1.txt")}[protocol]  # fmt: skip
    gt = write_zip(tmp_path / "gt.zip", {names[0]: truth})
    sub = write_zip(tmp_path / "sub.zip", {names[1]: submission})
    return evaluate(protocol, gt, sub)


def lines(protocol, text):
    script, confidence = (",Chinese", ",0.9") if protocol == "mlt19-task4" else ("", "")
    truth = f"{BOX}{script},{text}\n"
    return truth, f"{BOX}\n{text}\n" if protocol == "totaltext-e2e" else f"{BOX}{confidence},{text}\n"


@pytest.mark.parametrize("protocol", ["icdar15-e2e", "mlt19-task4", "totaltext-e2e"])
def test_text_that_is_not_utf8_is_noted_with_file_and_line(tmp_path, protocol):
    truth, submission = lines(protocol, "金氏")
    good = score(tmp_path, protocol, truth, submission)
    assert (good.counts.correct, good.notes) == (1, ())
    bad = score(tmp_path, protocol, truth, submission.encode("gbk"))
    name = bad.detections.locations[0].split(":")[0]
    line = 2 if protocol == "totaltext-e2e" else 1
    assert bad.notes == (f"{name}:{line}: not UTF-8, read with U+FFFD as the official script does",)
    assert bad.counts.correct == 0
    (note,) = score(tmp_path, protocol, truth.encode("gbk"), submission).notes
    assert note.startswith(f"{tmp_path}/gt.zip/gt_img")


def test_crs_that_end_no_line_are_noted(tmp_path):
    result = score(tmp_path, "icdar15-e2e", f"{BOX},a\r{BOX},b\r", f"{BOX},a\r\n{BOX},b\r\r\n")
    assert result.notes == (f"{tmp_path}/gt.zip/gt_img_1.txt:1: a CR without LF ends no line, and is dropped as by the official script",)
    assert result.counts.words == 1


def test_a_file_of_another_name_is_answered_with_a_name_of_this_ground_truth(tmp_path):
    gt = write_zip(tmp_path / "gt.zip", {"gt_img_7.txt": f"{BOX},a"})
    with pytest.raises(SubmissionError, match=r"entry 'img_1\.txt' does not belong there: its name must be like res_img_7\.txt"):
        evaluate("icdar15-e2e", gt, write_zip(tmp_path / "own.zip", {"img_1.txt": ""}))


def test_pipes_and_devices_are_refused_and_not_read(tmp_path):
    (tmp_path / "gt").mkdir()
    os.mkfifo(tmp_path / "gt" / "gt_img_1.txt")
    with pytest.raises(ConfigError, match=r"gt_img_1\.txt: is no file"):
        evaluate("icdar15-e2e", tmp_path / "gt", tmp_path)
    for special in (tmp_path / "gt" / "gt_img_1.txt", "/dev/zero"):
        with pytest.raises(ConfigError, match=r"not a readable zip \(is no file\)"):
            evaluate("icdar15-e2e", special, tmp_path)
